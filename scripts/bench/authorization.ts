/** `npm run bench -- authorization`: the CPU time of a decision, without planning and fetching. */
import { buildASTSchema, getOperationAST, parse } from 'graphql'
import type { FieldNode, GraphQLSchema } from 'graphql'
import type { Authorizer } from '../../gateway/authorization/authorizer.ts'
import type { AuthorizedOperation } from '../../gateway/authorization/decisions.ts'
import { denialsOf } from '../../gateway/authorization/denied-result.ts'
import { Findings } from '../../gateway/execution/completion.ts'
import { ClientSelection } from '../../gateway/execution/client-selection.ts'
import { readObject } from '../../gateway/execution/compile-readers.ts'
import { FetchedData } from '../../gateway/execution/fetched-data.ts'
import { addSelection, Place } from '../../gateway/execution/places.ts'
import { ResponseOutput } from '../../gateway/execution/response-output.ts'
import { ResponseReader } from '../../gateway/execution/response-reader.ts'
import { typeNames } from '../../gateway/execution/type-names.ts'
import { responseWriter } from '../../gateway/execution/response-writer.ts'
import { operationPreparer } from '../../gateway/operations/prepare-operation.ts'
import type { OperationLimits } from '../../gateway/operations/limit-operation.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { costLimit } from '../../gateway/supergraph/limit-cost.ts'
import { readCostDirectives } from '../../gateway/supergraph/read-cost-directives.ts'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { typeRelation } from '../../gateway/graphql/type-conditions.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

const guardedFields = 12

const supergraph = `
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@listSize"])
{ query: Query }
enum join__Graph { SHOP @join__graph(name: "shop", url: "http://shop") }
type Query @join__type(graph: SHOP) {
  customers(first: Int, by: Search): [Customer!]! @listSize(slicingArguments: ["first"])
}
input Search @join__type(graph: SHOP) { text: String @cost(weight: 2) and: [Search!] }
type Customer @join__type(graph: SHOP) {
  id: ID!
  name: String
  orders: [Order!]! @authenticated
  ${numbers((n) => `field${n}: String @requiresScopes(scopes: [["scope${n}"]])`)}
}
type Order @join__type(graph: SHOP) { id: ID! total: Int items: [Item!]! }
type Item @join__type(graph: SHOP) { id: ID! price: Int }
`

const operation = `query Customers($withOrders: Boolean!, $first: Int = 10, $by: Search) {
  customers(first: $first, by: $by) {
    id
    ... on Customer { name ${numbers((n) => `field${n}`)} }
    orders @include(if: $withOrders) { id total items { id price } }
  }
}`

const variables = { withOrders: true, first: 20, by: { text: 'a', and: [{ text: 'b' }] } }

/** Prints the table. */
export async function main(): Promise<void> {
  const { authorizer, loadableSdl } = guardSupergraph(supergraph)
  const document = parse(operation)
  const compiled = authorizer.compile(document)
  const withEveryScope = caller((1 << guardedFields) - 1)
  const withSomeScopes = caller(0b000111000111)
  const anonymous = { claims: null }
  let next = 0
  const otherCallers = Array.from({ length: 1 << guardedFields }, (_, scopes) => caller(scopes))

  const reduced = authorizer.authorize(compiled, withSomeScopes, variables)
  const respond = responder(authorizer, loadableSdl, reduced, withSomeScopes)

  report([
    [
      'complete operation, known caller',
      1,
      () => authorizer.authorize(compiled, withEveryScope, variables),
    ],
    ['reduced, known caller', 1, () => authorizer.authorize(compiled, withSomeScopes, variables)],
    ['reduced, anonymous caller', 1, () => authorizer.authorize(compiled, anonymous, variables)],
    [
      'reduced, a token seen for the first time',
      undefined,
      () => authorizer.authorize(compiled, caller(0b000111000111), variables),
    ],
    [
      'combination seen for the first time',
      500,
      () => authorizer.authorize(compiled, otherCallers[next++ % otherCallers.length]!, variables),
    ],
    [
      'operation text seen for the first time',
      undefined,
      () => authorizer.compile(parse(operation)),
    ],
    ['response of 10 objects with 6 denied fields each', undefined, respond],
  ])
  reportLimits(authorizer, loadableSdl, withEveryScope)
}

/** Prints what limits cost a request that is within all of them. */
function reportLimits(
  authorizer: Authorizer,
  loadableSdl: string,
  caller: { claims: Claims },
): void {
  const apiSchema = schemaOf(loadableSdl)
  const always = { tokens: 10_000, depth: 200, selections: 20_000, credentialFields: [] }
  const preparer = (most: OperationLimits['most']) =>
    operationPreparer({
      apiSchema,
      introspection: true,
      limits: { ...always, operation: { most, measured: new Set() } },
      compile: (document) => authorizer.compile(document),
    })
  const most = { aliases: 100, root_fields: 30, directives: 200, height: 500 }
  const unlimited = preparer({})
  const ofOperation = preparer(most)
  const ofVariables = preparer({ ...most, variables_depth: 10, variables_size: 10_000 })
  const estimate = costLimit({
    settings: {
      max: 100_000,
      listSize: 10,
      mode: 'enforce',
      byScope: new Map([['scope1', 50_000]]),
    },
    directives: runToCompletion(readCostDirectives(parse(supergraph))),
    apiSchema,
    onEstimated: () => {},
    onExceeded: () => {},
  })
  const request = {
    method: 'POST',
    query: operation,
    operationName: undefined,
    variables,
    extensions: undefined,
    mediaType: 'application/json',
  } as const
  const perform = (prepare: typeof unlimited, isEstimated: boolean) => () => {
    const authorized = authorizer.authorize(prepare(request), caller, variables)
    return isEstimated ? estimate({ authorized, caller }, request) : authorized
  }
  const without = perform(unlimited, false)
  console.log('\nMore for a request that is within its limits:\n')
  for (const [name, run] of [
    ['aliases, root_fields, directives, height', perform(ofOperation, false)],
    ['variables_depth, variables_size', perform(ofVariables, false)],
    ['cost', perform(unlimited, true)],
    ['all of them', perform(ofVariables, true)],
  ] as const) {
    const more = median(Array.from({ length: 25 }, () => batch(run) - batch(without)))
    console.log(`${name.padEnd(48)}${more.toFixed(2).padStart(10)}${'< 1.5'.padStart(10)}`)
  }
}

/** Returns the function that writes the response, with the denials. */
function responder(
  authorizer: Authorizer,
  loadableSdl: string,
  authorized: AuthorizedOperation,
  caller: { claims: Claims },
): () => unknown {
  if (authorized.outcome !== 'reduced') throw new Error('nothing of the operation is denied')
  const schema = schemaOf(loadableSdl)
  const types = typeNames(schema, new Map())
  const rootType = schema.getQueryType()!
  const { shape, document } = authorized
  const fetchedAs = ({ alias, name }: FieldNode) => (alias ?? name).value
  const root = new Place()
  const set = getOperationAST(document)!.selectionSet
  addSelection(root, set, new Map())
  const writer = responseWriter({ schema, types, rootType, root, shape: shape!, fetchedAs })
  const parts = { schema, shape: shape!, fetchedAs, isOfType: typeRelation(new Map()) }
  const client = new ClientSelection(parts, rootType, [shape!.root])
  const selection = { place: root, parts: [{ set, parents: [rootType] }], client }
  const reading = readObject(parts, selection, (key) => key)
  const bytes = Buffer.from(JSON.stringify(customers(10)))
  return () => {
    const data = new FetchedData()
    const record = new ResponseReader(data, bytes, types).readObject(reading)
    const output = new ResponseOutput(data)
    writer.write(record, { data, output, hasErrors: false, introspect: () => null })
    const findings = new Findings(data, () => false)
    writer.report(record, findings)
    data.release()
    const { denied, deniedCount } = findings
    const executed = { data: output.finish(), errors: [], denied, deniedCount }
    return denialsOf(authorizer, { authorized, caller }, executed)
  }
}

/** The types suffice here: the supergraph does not define the directives of its specifications. */
function schemaOf(sdl: string): GraphQLSchema {
  return buildASTSchema(parse(sdl), { assumeValidSDL: true })
}

type Row = readonly [name: string, aim: number | undefined, run: () => unknown]

function report(rows: readonly Row[]): void {
  console.log(
    `An operation that references ${guardedFields + 1} guards; CPU time, medians of 25 batches.\n`,
  )
  console.log(`${'step'.padEnd(48)}${'us'.padStart(10)}${'aim, us'.padStart(10)}`)
  for (const [name, aim, run] of rows) {
    const time = median(Array.from({ length: 25 }, () => batch(run)))
    const shown = time < 10 ? time.toFixed(2) : time.toFixed(0)
    console.log(`${name.padEnd(48)}${shown.padStart(10)}${(aim ? `< ${aim}` : '').padStart(10)}`)
  }
}

/** Returns microseconds for one run, of as many runs as fill some milliseconds. */
function batch(run: () => unknown): number {
  for (let runs = 16; ; runs *= 4) {
    const start = process.cpuUsage()
    for (let nth = 0; nth < runs; nth++) run()
    const { user, system } = process.cpuUsage(start)
    if (user + system > 8_000) return (user + system) / runs
  }
}

function median(values: number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1]!
}

/** Returns a caller with the scopes whose bits are set. */
function caller(scopes: number): { claims: Claims } {
  const granted = Array.from({ length: guardedFields }, (_, n) => `scope${n}`)
  const scope = granted.filter((_name, n) => scopes & (1 << n)).join(' ')
  return { claims: { sub: 'somebody', scope } }
}

function customers(count: number) {
  const shown = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`field${n}`, 'value']))
  return {
    customers: Array.from({ length: count }, (_, n) => ({
      id: String(n),
      name: 'name',
      ...shown,
      orders: [{ id: '1', total: 1, items: [{ id: '2', price: 2 }] }],
    })),
  }
}

function numbers(text: (n: number) => string): string {
  return Array.from({ length: guardedFields }, (_, n) => text(n)).join(' ')
}
