/**
 * `npm run bench -- NAME`: runs the benchmark scripts/bench/NAME and prints its table. What is measured is
 * compiled JavaScript, as in production.
 */
import { readdirSync } from 'node:fs'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'

/** A benchmark: a module in scripts/bench that exports this. */
interface Benchmark {
  main(): Promise<void>
}

const folder = new URL('bench/', import.meta.url)
const names = readdirSync(folder).flatMap((file) => /^([\w-]+)\.js$/.exec(file)?.[1] ?? [])
/** The benchmark of the whole gateway. */
const whole = names.includes('gateway') ? 'gateway' : undefined

const usage = `
Usage: npm run bench -- NAME [options of the benchmark]

Names: ${names.join(', ')}${whole ? ` (without a name: ${whole})` : ''}

Options of gateway:
  --rounds N         how often each contender is measured (default 5; medians are shown)
  --scale N          share of the requests of a measurement (default 1)
  --only A,B         contenders by name; the floor always runs
  --operations A,B   operations by name
  --peers DIR        the folder in which other gateways are installed
  --json FILE        also writes all figures there

Figures are CPU time of the process, medians of several rounds: they say what work costs, not how
busy the machine is. Compare figures of one run with each other.
`

const asksForHelp = (word: string) => word === '--help' || word === '-h'

runCommand('bench', async () => {
  const [name = whole, ...options] = process.argv.slice(2)
  if (name === undefined || [name, ...options].some(asksForHelp)) {
    return void console.log(usage.trim())
  }
  if (!names.includes(name)) {
    throw new StartFailure(`${JSON.stringify(name)} is not known: give one of ${names.join(', ')}`)
  }
  // The benchmark reads its own arguments, as if it had been named itself.
  process.argv.splice(2, 1)
  const { main } = (await import(new URL(`${name}.js`, folder).href)) as Benchmark
  await main()
})
