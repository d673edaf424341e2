/**
 * `npm run bench -- NAME`: runs the benchmark scripts/bench/NAME and prints its table. It measures
 * compiled JavaScript, as production runs it.
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
/** The benchmark that runs without a name, where it is installed. */
const usual = names.includes('gateway') ? 'gateway' : undefined

const usage = `
Usage: npm run bench -- NAME [options of the benchmark]

Names: ${names.join(', ')}${usual ? ` (without a name: ${usual})` : ''}

Options of features (what the access log, metrics, traces and the like cost a request):
  --rounds N         how often each is measured (default 5; medians are shown)
  --scale N          share of the requests of a measurement (default 1)

Options of gateway:
  --rounds N         how often each contender is measured (default 5; medians are shown)
  --scale N          share of the requests of a measurement (default 1)
  --only A,B         contenders by name; the floor always runs
  --operations A,B   operations by name: simple, two hops, nested, mutation,
                     chain (five subgraphs, one after the other),
                     wide (a list of 2,000 entities, each with a field of a second subgraph),
                     big (a response of about 8 MB from one subgraph),
                     big join (20,000 nodes, each with a field of a second subgraph),
                     first-sight (each request has a document that the gateway has never seen),
                     denied (the caller may not see one of the fields),
                     erroneous (a subgraph reports an error for one of the fields)
  --peers DIR        the folder in which other gateways are installed (default scripts/bench/peers)
  --json FILE        also writes all figures there
  --picture FILE     also draws the CPU times there, as an SVG picture
  --from FILE        measures nothing: reads the figures that --json has written

Options of streaming (memory and CPU time of open connections, and of the events that they get):
  --connections N    how many are open (default 10000). A gateway that shares no subscriptions has two open
                     files for each: it gets fewer if \`ulimit -Hn\` does not allow so many
  --rounds N         how often events are measured (default 1; medians are shown)

Figures are CPU time and resident memory of the process, medians of several rounds. They depend little
on other work of the machine. Compare figures of one run with each other. The benchmarks gateway
and streaming need Linux.
`

const asksForHelp = (word: string) => word === '--help' || word === '-h'

runCommand('bench', async () => {
  const [name = usual, ...options] = process.argv.slice(2)
  if (name === undefined || [name, ...options].some(asksForHelp)) {
    return void console.log(usage.trim())
  }
  if (!names.includes(name)) {
    throw new StartFailure(`${JSON.stringify(name)} is not known: give one of ${names.join(', ')}`)
  }
  // The benchmark reads its own options: the name is removed.
  process.argv.splice(2, 1)
  const { main } = (await import(new URL(`${name}.js`, folder).href)) as Benchmark
  await main()
})
