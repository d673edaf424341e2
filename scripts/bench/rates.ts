/** `npm run bench -- rates`: what the rates cost a request that is within all of them. */
import { once } from 'node:events'
import { cpus } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Caller } from '../../gateway/client-request.ts'
import type { CountedRate } from '../../gateway/client-request.ts'
import { callerKeys } from '../../gateway/rates/caller-keys.ts'
import { LeasedBuckets, leaseTable } from '../../gateway/rates/leased-buckets.ts'
import { bucketTable, MemoryBuckets } from '../../gateway/rates/memory-buckets.ts'
import { rateKeys } from '../../gateway/rates/rate-key.ts'
import type { Buckets, Rate } from '../../gateway/rates/rate.ts'
import type { RateRule } from '../../gateway/rates/rate-rule.ts'
import { requestRates } from '../../gateway/rates/request-rates.ts'

const rounds = 9
const requests = 300_000
const callerCount = 10_000

/** Far more than the benchmark takes. */
const generous = { limit: 1_000_000, per: 60_000, burst: 1_000_000 }
const rule = (by: RateRule['by'], count: RateRule['count'] = 'requests'): RateRule => ({
  name: by,
  by,
  count,
  ...generous,
})
const three = [rule('address'), rule('subject'), rule('client')]
const memory = 32 * 1024 * 1024

interface Setup {
  readonly what: string
  readonly rules: readonly RateRule[]
  readonly headers?: boolean
  readonly bucketsOf?: (rate: Rate) => Buckets
}

const setups: readonly Setup[] = [
  { what: 'no rates', rules: [] },
  { what: 'a rate by subject', rules: [rule('subject')] },
  { what: 'a rate by address', rules: [rule('address')] },
  { what: 'rates by address, subject and client', rules: three },
  { what: 'rates by address, subject and client, with headers', rules: three, headers: true },
  { what: 'a rate of cost by subject', rules: [rule('subject', 'cost')] },
  { what: 'a rate by subject, in a worker', rules: [rule('subject')], bucketsOf: leased },
  { what: 'a rate by subject, with headers', rules: [rule('subject')], headers: true },
]

/** As in a worker, without the messages: one for an eighth of a bucket. */
function leased(rate: Rate): Buckets {
  const buckets = new MemoryBuckets(rate, bucketTable(memory))
  return new LeasedBuckets(rate, {
    grantPoints: async (key, wanted) => buckets.grant(key, wanted, performance.now()),
    table: leaseTable(memory),
  })
}

const clients: readonly { caller: Caller; clientAddress: string }[] = Array.from(
  { length: callerCount },
  (_value, index) => ({
    caller: {
      claims: { sub: `user ${index}` },
      issuer: 'https://id.example.com',
      clientId: `client ${index % 10}`,
    },
    clientAddress: `::ffff:10.${index >> 8}.${index & 255}.1`,
  }),
)

/** Prints the table. */
export async function main(): Promise<void> {
  const measured = setups.map(({ what }, index) => ({
    what,
    // An isolate for each: a gateway has one configuration, for which its code is optimized.
    worker: new Worker(new URL(import.meta.url), { workerData: index }),
    costs: [] as number[],
  }))
  for (let round = 0; round < rounds; round++) {
    for (const { worker, costs } of measured) {
      worker.postMessage('measure')
      const [cost] = (await once(worker, 'message')) as [number]
      // The first round only warms up.
      if (round > 0) costs.push(cost)
    }
  }
  await Promise.all(measured.map(({ worker }) => worker.terminate()))
  const [bare] = measured.map(({ costs }) => median(costs))
  console.log('| rates | CPU us | more than without |\n|---|---|---|')
  for (const { what, costs } of measured) {
    const cost = median(costs)
    console.log(`| ${what} | ${cost.toFixed(2)} | ${(cost - bare!).toFixed(2)} |`)
  }
  const [{ model } = { model: 'unknown' }] = cpus()
  console.log(
    `\n${callerCount} callers and addresses; medians of ${rounds - 1} rounds. Node ${process.version}, ${model}.`,
  )
}

if (!isMainThread) {
  const serve = requestOf(setups[workerData as number]!)
  parentPort!.on('message', async () => parentPort!.postMessage(await perRequest(serve)))
}

type ServeRequest = (index: number) => void | Promise<void>

/** Returns the part of a request that the gateway does for its rates. */
function requestOf({ rules, headers = false, bucketsOf }: Setup): ServeRequest {
  const table = bucketTable(memory)
  const ofProcess = (rate: Rate) => new MemoryBuckets(rate, table)
  const rates = requestRates({
    rules,
    headers,
    bucketsOf: bucketsOf ?? ofProcess,
    keys: callerKeys(rateKeys('a secret that only this benchmark knows')),
    onRefused: ({ name }) => {
      throw new Error(`the rate ${name} refused a request of the benchmark`)
    },
  })
  return (index) => {
    const request = clients[index % callerCount]!
    const limited: Counted = { request, caller: undefined, cost: 12, counted: undefined }
    const arrived = rates?.onArrival?.(limited)
    if (arrived) return arrived
    limited.caller = request.caller
    const counted = rates?.onCaller?.(limited)
    if (counted) return counted
    const spent = rates?.onCost?.(limited)
    if (spent) return spent
    rates?.headersOf?.(limited)
  }
}

/** What the gateway knows of a request, as far as the rates look at it. */
interface Counted {
  readonly request: { readonly clientAddress: string }
  caller: Caller | undefined
  readonly cost: number
  counted: CountedRate | undefined
}

/** Returns the CPU time of a request, in microseconds. */
async function perRequest(serve: ServeRequest): Promise<number> {
  const start = process.cpuUsage()
  for (let index = 0; index < requests; index++) {
    const pending = serve(index)
    if (pending) await pending
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / requests
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[numbers.length >> 1]!
}
