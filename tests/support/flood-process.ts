/**
 * A process of its own that floods a gateway of its own with distinct operations and prints, as JSON,
 * how much of its heap is alive after some of them and after all.
 */
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runGateway } from './running-gateway.ts'
import { startIssuer } from './issuer.ts'

const [first = 0, all = 0] = process.argv.slice(2).map(Number)
const kinds = {
  conditions: withConditions,
  denied: mostlyDenied,
  callers: withGuards,
  'of every kind': ofEveryKind,
}
const operation = kinds[process.argv[4] as keyof typeof kinds] ?? ofEveryKind
const scopes = ['a', 'b', 'c', 'd', 'e', 'f']
const sdl = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated", "@requiresScopes"])
  type Query {
    name(of: Int): String secret: String @authenticated self: Query
    ${scopes.map((scope) => `${scope}: String @requiresScopes(scopes: [["${scope}"]])`).join(' ')}
  }`
const subgraph = createServer((asked, response) => {
  response.setHeader('content-type', 'application/json')
  asked.resume().on('end', () => response.end('{"data":{}}'))
})
await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
const issuer = await startIssuer()
const gateway = await runGateway(
  [{ name: 'graph', url, sdl }],
  `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
`,
)

/** Operations of every kind that is kept: executed, denied in part, introspecting, with conditions. */
function ofEveryKind(number: number): object {
  const alias = `x${number}`
  const many = Array.from({ length: 40 }, (_, index) => `f${index}: name(of: ${index})`).join(' ')
  switch (number % 50) {
    case 0:
      return { query: `{ ${alias}: self { ${many} } }` }
    case 10:
      return { query: `{ ${alias}: name secret }` }
    case 20:
      return { query: `{ ${alias}: __type(name: "Query") { name } name }` }
    case 30:
      return {
        query: `query ($on: Boolean!) { ${alias}: name @include(if: $on) name }`,
        variables: { on: number % 3 === 0 },
      }
    case 40:
      return { query: `{ ${alias} }` }
    default:
      return { query: `{ ${alias}: name }` }
  }
}

/** Large operations, each with every combination of five conditions: all of it is allowed, or denied. */
function withConditions(number: number): object {
  const combination = number % 32
  const text = Math.floor(number / 32)
  const variables = { a: false, b: false, c: false, d: false, e: false }
  const names = Object.keys(variables) as (keyof typeof variables)[]
  names.forEach((name, index) => (variables[name] = (combination & (1 << index)) !== 0))
  const parameters = names.map((name) => `$${name}: Boolean!`).join(' ')
  const chosen = names.map((name) => `${name}: name @include(if: $${name})`).join(' ')
  const field = text % 2 === 0 ? 'name' : 'secret'
  const rest = Array.from({ length: 1_500 }, (_, index) => `x${text}_${index}: ${field}`)
  return { query: `query (${parameters}) { name ${chosen} ${rest.join(' ')} }`, variables }
}

/** Large operations of which little is executed. */
function mostlyDenied(number: number): object {
  const denied = Array.from({ length: 1_500 }, (_, index) => `x${number}_${index}: secret`)
  return { query: `{ name ${denied.join(' ')} }` }
}

/** Operations in which each caller may see another part. */
function withGuards(number: number): object {
  const text = Math.floor(number / tokens.length)
  const fields = Array.from(
    { length: 190 },
    (_, index) => `x${text}_${index}: ${scopes[index % scopes.length]}`,
  )
  return { query: `{ name ${fields.join(' ')} }` }
}

/** One for each combination of scopes. */
const tokens = await Promise.all(
  Array.from({ length: 2 ** scopes.length }, (_, combination) =>
    issuer.accessToken({
      scope: scopes.filter((_scope, index) => combination & (1 << index)).join(' ') || 'none',
    }),
  ),
)

const agent = new Agent({ keepAlive: true, maxSockets: 8 })
let sent = 0
let failed = 0

function send(body: string, caller: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...caller,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const asked = request(gateway.url, { agent, method: 'POST', headers }, (response) => {
      if (response.statusCode !== 200 && response.statusCode !== 400) failed++
      response.resume().on('end', resolve)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

async function flood(until: number): Promise<void> {
  const worker = async () => {
    while (sent < until) {
      const number = sent++
      const body = JSON.stringify(operation(number))
      const token = tokens[number % tokens.length]
      const caller = operation === withGuards ? { authorization: `Bearer ${token}` } : {}
      // A connection that the gateway had just closed, idle for too long on a busy machine.
      await send(body, caller).catch(() => send(body, caller))
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  ;(gateway.log as string[]).length = 0
}

function liveMegabytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc
  for (let time = 0; time < 3; time++) collect?.()
  return process.memoryUsage().heapUsed / 1_000_000
}

await flood(first)
const before = liveMegabytes()
await flood(all)
const after = liveMegabytes()
process.stdout.write(`${JSON.stringify({ sent, failed, before, after })}\n`)
process.exit(0)
