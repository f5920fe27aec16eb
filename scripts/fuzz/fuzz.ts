// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run fuzz -- --seconds N [--seed S] [--target NAME]`: damages sound inputs and watches what the parsers make of them.
 * An input that breaks a promise is kept in fixtures/fuzz, where the unit tests run it from then on; the exit status is 1.
 */
import { parseArgs } from 'node:util'
import { addToCorpus, corpusOf, seedsOf } from './corpus.ts'
import { mutate, type Seed } from './mutate.ts'
import { createRandom, type Random } from './random.ts'
import { installMeter } from './step-meter.ts'
import { runTarget, TARGETS, type Target } from './targets.ts'

interface Campaign {
  readonly target: Target
  readonly pool: Seed[]
  /** How many at the start of the pool stay. */
  readonly seeds: number
  readonly seen: Set<string>
  readonly problems: Set<string>
  runs: number
  dearest: number
}

const DEFAULT_SECONDS = 60
/** Interesting inputs found on the way that are mutated again. */
const MAX_POOL = 2000
/** Between two looks at the clock. */
const ROUND = 50
const MAX_PROBLEMS = 20

function main(): number {
  const { values } = parseArgs({
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, target: { type: 'string' } },
  })
  const seconds = Number(values.seconds ?? DEFAULT_SECONDS)
  const seed = Number(values.seed ?? Date.now() % 2 ** 32)
  const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target)
  if (!(seconds > 0) || !Number.isInteger(seed) || targets.length === 0) {
    process.stderr.write(
      `usage: npm run fuzz -- [--seconds N] [--seed N] [--target ${TARGETS.map(({ name }) => name).join('|')}]\n`,
    )
    return 2
  }
  say(`seed ${seed}, ${seconds} s`)
  const campaigns = targets.map(startCampaign)
  Error.stackTraceLimit = 20
  const uninstall = installMeter()
  const random = createRandom(seed)
  const end = Date.now() + seconds * 1000
  try {
    while (Date.now() < end) for (const campaign of campaigns) playRound(campaign, random)
  } finally {
    uninstall()
  }
  for (const campaign of campaigns) report(campaign)
  return campaigns.some(({ problems }) => problems.size > 0) ? 1 : 0
}

function startCampaign(target: Target): Campaign {
  const pool = [...seedsOf(target.name), ...corpusOf(target.name)]
  return { target, pool, seeds: pool.length, seen: new Set(), problems: new Set(), runs: 0, dearest: 0 }
}

function playRound(campaign: Campaign, random: Random): void {
  const { target, pool, seeds, seen, problems } = campaign
  if (problems.size >= MAX_PROBLEMS) return
  for (let i = 0; i < ROUND; i++) {
    const seed = random.pick(pool)
    const bytes = mutate(seed, pool, random)
    const { signature, problem, share } = runTarget(target, bytes)
    campaign.runs++
    campaign.dearest = Math.max(campaign.dearest, share)
    if (problem !== undefined) keepProblem(campaign, bytes, problem)
    else if (!seen.has(signature)) {
      seen.add(signature)
      const slot = pool.length < MAX_POOL ? pool.length : seeds + random.below(pool.length - seeds)
      pool[slot] = { name: `${seed.name}+`, bytes, sites: seed.sites }
    }
  }
}

/** Each way to fail once: the first lines of its stack tell them apart. */
function keepProblem({ target, problems }: Campaign, bytes: Uint8Array, problem: string): void {
  const kind = problem
    .split('\n')
    .slice(0, 3)
    .join('\n')
    .replace(/\d{3,}/g, '#')
  if (problems.has(kind)) return
  problems.add(kind)
  say(`${target.name}: ${problem}\n  kept as ${addToCorpus(target.name, bytes)}`)
}

function report({ target, seen, problems, runs, dearest }: Campaign): void {
  const dear = `the dearest took ${Math.round(dearest * 100)} % of the limit`
  say(`${target.name}: ${runs} inputs, ${seen.size} kinds of outcome, ${dear}, ${problems.size} problems`)
}

function say(text: string): void {
  process.stdout.write(`[fuzz] ${text}\n`)
}

process.exitCode = main()
