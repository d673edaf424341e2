/** `npm run bench -- rates`: what the rates cost a request that is within all of them. */
import { cpus } from 'node:os'
import type { Caller } from '../../gateway/client-request.ts'
import { callerKeys, identityHash } from '../../gateway/rates/caller-keys.ts'
import { LeasedBuckets } from '../../gateway/rates/leased-buckets.ts'
import { MemoryBuckets } from '../../gateway/rates/memory-buckets.ts'
import type { Buckets, Rate } from '../../gateway/rates/rate.ts'
import type { RateRule } from '../../gateway/rates/rate-rule.ts'
import { requestRates } from '../../gateway/rates/request-rates.ts'

const rounds = 9
const requests = 300_000
const callerCount = 10_000

/** Far more than the benchmark takes. */
const generous = { limit: 1_000_000, per: 60_000, burst: 1_000_000 }
const rule = (by: RateRule['by']): RateRule => ({ name: by, by, ...generous })

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
  {
    what: 'rates by address, subject and client',
    rules: [rule('address'), rule('subject'), rule('client')],
  },
  { what: 'a rate by subject, in a worker', rules: [rule('subject')], bucketsOf: leased },
  { what: 'a rate by subject, with headers', rules: [rule('subject')], headers: true },
]

/** As in a worker, without the messages: one for an eighth of a bucket. */
function leased(rate: Rate): Buckets {
  const buckets = new MemoryBuckets(rate)
  return new LeasedBuckets(rate, async (key, needed) => buckets.grant(key, needed))
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
  const measured = setups.map((setup) => ({
    ...setup,
    request: requestOf(setup),
    costs: [] as number[],
  }))
  for (let round = 0; round < rounds; round++) {
    for (const { request, costs } of measured) {
      const cost = await perRequest(request)
      // The first round only warms up.
      if (round > 0) costs.push(cost)
    }
  }
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

type ServeRequest = (index: number) => void | Promise<void>

/** Returns the part of a request that the gateway does for its rates. */
function requestOf({ rules, headers = false, bucketsOf }: Setup): ServeRequest {
  const ofProcess = (rate: Rate) => new MemoryBuckets(rate)
  const rates = requestRates({
    rules,
    headers,
    bucketsOf: bucketsOf ?? ofProcess,
    keys: callerKeys(identityHash('a secret that only this benchmark knows')),
    onRefused: ({ name }) => {
      throw new Error(`the rate ${name} refused a request of the benchmark`)
    },
  })
  return (index) => {
    const request = clients[index % callerCount]!
    const arrived = rates?.onArrival?.({ request })
    if (arrived) return arrived
    const limited = { request, caller: request.caller }
    const counted = rates?.onCaller?.(limited)
    if (counted) return counted
    rates?.headersOf?.(limited)
  }
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
