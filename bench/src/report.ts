// SPDX-License-Identifier: Apache-2.0
/** The table that a bench run prints: one row a measured thing, the original beside ours when it is there. */

/** One measured thing. Ratio is ours / theirs (or theirs / ours where `higherIsBetter`), so below 1 is better. */
export interface Row {
  readonly work: string
  readonly unit: string
  readonly ours: number
  readonly original?: number | undefined
  /** The bar of the design, as text. */
  readonly bar: string
  readonly higherIsBetter?: boolean
}

/** Prints rows as they are measured and a Markdown table at the end. */
export class Report {
  readonly rows: Row[] = []

  add(row: Row): void {
    this.rows.push(row)
    const original = row.original === undefined ? '' : `, original ${format(row.original)}, ${ratioText(row)}`
    process.stdout.write(`${row.work}: ${format(row.ours)} ${row.unit}${original} (bar: ${row.bar})\n`)
  }

  /** The whole run as a Markdown table. */
  markdown(): string {
    const head = ['| work | ours | original | ratio | bar |', '|---|--:|--:|--:|---|']
    const body = this.rows.map((row) => {
      const original = row.original === undefined ? '–' : `${format(row.original)} ${row.unit}`
      return `| ${row.work} | ${format(row.ours)} ${row.unit} | ${original} | ${ratioText(row)} | ${row.bar} |`
    })
    return [...head, ...body].join('\n')
  }
}

function ratioText(row: Row): string {
  if (row.original === undefined || row.original === 0) return '–'
  return `${(row.ours / row.original).toFixed(2)}×`
}

function format(value: number): string {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(3).replace(/0$/, '')
}
