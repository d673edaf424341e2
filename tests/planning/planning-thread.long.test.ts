/** A thread reads the same of a supergraph as this thread would, and no request waits for it. */
import { afterAll, describe, expect, jest, test } from '@jest/globals'
import { Supergraph } from '@apollo/federation-internals'
import { introspectionFromSchema, parse } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { operationPlanner } from '../../gateway/planning/plan-operation.ts'
import { planningThread } from '../../gateway/planning/planning-thread.ts'
import { readInThread, startPlanning } from '../../gateway/planning/start-planning.ts'
import type { Planning, PlanningOptions } from '../../gateway/planning/start-planning.ts'
import { runInSlices } from '../../gateway/slices.ts'
import { composed, federation, federations } from '../engine/federations.ts'
import type { Federation } from '../engine/federations.ts'

const started: Planning[] = []

afterAll(() => Promise.all(started.map((planning) => planning.close())))

async function planningOf(sdl: string, options: PlanningOptions): Promise<Planning> {
  const planning = await startPlanning(sdl, options)
  started.push(planning)
  return planning
}

/** Everything that a schema can say. */
const talkative: Federation = {
  name: 'talkative',
  subgraphs: [
    {
      name: 'a',
      sdl: `
    extend schema
      @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@composeDirective", "@tag", "@key", "@inaccessible"])
      @link(url: "https://mine.test/mine/v1.0", import: ["@mine"])
      @composeDirective(name: "@mine")
    "of mine"
    directive @mine(a: String = "x\\"y", "an argument" b: [Int!] = [1, 2]) repeatable on FIELD_DEFINITION | FIELD
    "a root" type Query {
      "with arguments"
      f(a: In = { a: 4, c: [{ a: 5 }] }, z: Boolean = null, old: Int @deprecated(reason: "no more")): Node @mine(a: "q")
      either: Either
      color(of: Color = BLUE): Color @deprecated
      when: Date
      moves: Int
    }
    type Mutation { change(input: In!): Int! }
    "a date" scalar Date @specifiedBy(url: "https://dates.test/")
    enum Color { "red" RED @deprecated(reason: "no \\"more\\"\\n of it") BLUE @deprecated GREEN @inaccessible }
    """
    A block
      with an indent and \\""" quotes
    """
    input In {
      "a number" a: Int = 3
      b: Color = RED @deprecated(reason: "b")
      c: [In!]
      d: Deep = { x: [1.5, 2], s: "é\\u0001" }
      e: Date = "2020"
    }
    input Deep { x: [Float] s: String }
    interface Node { id: ID! }
    interface Sub implements Node { id: ID! x: Int }
    "ends with blanks  "
    type A implements Sub & Node @key(fields: "id") { id: ID! x: Int hidden: Int @inaccessible }
    type B implements Node @tag(name: "b") { id: ID! }
    union Either = B | A
  `,
    },
    {
      name: 'b',
      sdl: `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@override"])
      type Query { moves: Int @override(from: "a", label: "percent(25)") }
  `,
    },
  ],
}

/** Neither introspection nor graphql-js's printer can tell this default. */
const odd = federation('odd', {
  a: `scalar Any type Query { f(any: Any = { a: 1, b: [true] }): Int }`,
})

const contexts = federation('contexts', {
  a: `type Query { user: User } type User @key(fields: "id") @context(name: "user") { id: ID! locale: String! page: Page }
    type Page @key(fields: "id") { id: ID! text(locale: String @fromContext(field: "$user { locale }")): String }`,
})

/** As text: the order counts. */
function introspected(schema: GraphQLSchema): string {
  const everything = {
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  }
  try {
    return JSON.stringify(introspectionFromSchema(schema, everything))
  } catch (cause) {
    return (cause as Error).message
  }
}

function namesOf(schema: GraphQLSchema): string[] {
  return Object.keys(schema.getTypeMap())
}

test.each([...federations, talkative, odd, contexts].map((one) => [one.name, one] as const))(
  'what a thread tells of %s is what would be read here, in the same order',
  async (_name, one) => {
    const { apiSchema, apiSdl, facts } = operationPlanner(composed(one))
    const reported = structuredClone({ outcome: 'read' as const, apiSdl: apiSdl(), facts, heap: 0 })
    const read = await readInThread({ read: async () => reported })
    expect(introspected(read.apiSchema)).toBe(introspected(apiSchema))
    expect(namesOf(read.apiSchema)).toEqual(namesOf(apiSchema))
    expect(read.facts).toEqual(facts)
  },
)

test('a thread reads and plans, and nothing is done here', async () => {
  const sdl = composed(talkative)
  const here = await planningOf(sdl, {})
  const build = jest.spyOn(Supergraph, 'build')
  const inThread = await planningOf(sdl, { planningThread: 'always' })
  expect(introspected(inThread.apiSchema)).toBe(introspected(here.apiSchema))
  expect(inThread.facts).toEqual(here.facts)
  const operation = {
    document: parse('{ moves color }'),
    operationName: undefined,
    overrideLabels: ['percent(25)'],
  }
  const plan = await inThread.plan(operation, 10)
  expect(build).not.toHaveBeenCalled()
  build.mockRestore()
  expect(plan).toEqual(JSON.parse(JSON.stringify(await here.plan(operation, 10))))
})

describe('while others are served', () => {
  const small = composed(federation('small', { a: 'type Query { f: Int }' }))
  const large = small + `\n# ${'large '.repeat(1_000)}`

  test('a thread reads it, unless it is small', async () => {
    const build = jest.spyOn(Supergraph, 'build')
    const options: PlanningOptions = { planningThread: 'when large', whileServing: true }
    const { apiSchema } = await planningOf(large, options)
    expect(Object.keys(apiSchema.getQueryType()!.getFields())).toEqual(['f'])
    expect(build).not.toHaveBeenCalled()
    await planningOf(small, options)
    expect(build).toHaveBeenCalledTimes(1)
    build.mockRestore()
  })

  test.each([
    ['no GraphQL', 'type Query {'],
    ['a type that is not there', small.replace('f: Int', 'f: Int g: Nothing')],
    [
      'guards',
      small.replace(
        'schema\n',
        'schema @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)\n',
      ),
    ],
  ])('a supergraph with %s is refused with the same words', async (_what, sdl) => {
    const refusal = (options: PlanningOptions) =>
      startPlanning(sdl, options).then(
        () => 'not refused',
        (cause: Error) => cause.message,
      )
    const reported = await refusal({})
    expect(reported).not.toBe('not refused')
    expect(await refusal({ planningThread: 'always' })).toBe(reported)
  })

  test('a thread that is lost while it reads says so', async () => {
    const thread = planningThread(small)
    const reading = thread.read()
    await thread.close()
    await expect(reading).rejects.toMatchObject({ name: 'PlanningThreadLost' })
    await expect(thread.read()).rejects.toMatchObject({ name: 'PlanningThreadLost' })
  })

  test('long work in slices yields to other events', async () => {
    let isServed = false
    setTimeout(() => (isServed = true))
    const steps = 100_000_000
    function* work() {
      for (let step = 0; step < steps; step++) {
        if (isServed) return step
        yield
      }
      return steps
    }
    expect(await runInSlices(work())).toBeLessThan(steps)
  })
})
