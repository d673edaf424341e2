/** Whatever a subgraph sends in the place of a value, data and errors are those of graphql-js. */
import { afterAll, expect, test } from '@jest/globals'
import { execute, GraphQLError, isCompositeType, isListType, isNonNullType } from 'graphql'
import type { DocumentNode, GraphQLOutputType } from 'graphql'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { NativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { isObject } from '../../gateway/values/json.ts'
import { parsed, readResponse } from '../support/response-bytes.ts'
import { differenceInPlaces } from './compare-engines.ts'
import { composed, federation, values } from './federations.ts'
import { hash } from './hash.ts'
import { oddResponse } from './odd-bytes.ts'
import type { Random } from './odd-bytes.ts'
import { randomNumbers, randomOperation } from './random-operation.ts'
import { readError } from './two-engines.ts'
import { newState, universe } from './universe.ts'
import { coerced } from './wrong-values.ts'

/** One subgraph, so that the complete response comes from it. */
const alone = federation('alone', { store: values.subgraphs[0]!.sdl.replace(/^extend[^)]*\)/, '') })
const { ask } = universe(alone.subgraphs)
const seeds = 200
const instead = [null, null, 'text', 7, true, [], [null], [[]], undefined] as const

interface Context {
  readonly random: Random
  /** What was sent. */
  data?: unknown
}

let engine: Promise<NativeExecutor<Context>> | undefined

afterAll(async () => (await engine)?.close())

function engineAlone(): Promise<NativeExecutor<Context>> {
  return (engine ??= nativeExecutor<Context>({
    supergraphSdl: composed(alone),
    async fetchSubgraph(subgraph, request, context) {
      const body = JSON.parse(request.body) as { query: string; variables: Record<string, unknown> }
      const { data } = await ask(subgraph, body, newState())
      const wrong = withWrongShapes(data, context.random)
      // A member without a value is not there.
      context.data = JSON.parse(JSON.stringify(wrong)) as unknown
      return readResponse(request, oddResponse({ data: context.data }, context.random))
    },
  }))
}

/** Returns the data with other values in the place of some; the names of types are left alone. */
function withWrongShapes(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return value.map((one) => orOther(one, random))
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, inner]) => [
    name,
    inner === null || isTypeName(inner) ? inner : orOther(inner, random),
  ])
  return Object.fromEntries(members)
}

const isTypeName = (value: unknown) => typeof value === 'string' && /^[A-Z][a-z]+$/.test(value)

function orOther(value: unknown, random: Random): unknown {
  if (random() < 0.05) return [value]
  if (random() < 0.1) return instead[Math.floor(random() * instead.length)]
  return withWrongShapes(value, random)
}

/** Returns the value with an error in the place of what is no value of its type. */
function shaped(type: GraphQLOutputType, value: unknown): unknown {
  if (isNonNullType(type)) return shaped(type.ofType, value)
  if (value === null || value === undefined) return null
  if (isListType(type) && Array.isArray(value)) return value.map((one) => shaped(type.ofType, one))
  if (isCompositeType(type) && !isObject(value)) return new GraphQLError('no object')
  return coerced(type, value)
}

async function right(document: DocumentNode, variables: Record<string, unknown>, data: unknown) {
  const { apiSchema: schema } = await engineAlone()
  const result = await execute({
    schema,
    document,
    variableValues: variables,
    rootValue: data,
    fieldResolver: (source: Record<string, unknown>, _, __, { path, returnType }) =>
      shaped(returnType, source[path.key]),
    typeResolver: (source: { __typename: string }) => source.__typename,
  })
  return { ...result, data: JSON.parse(JSON.stringify(result.data)) as unknown }
}

test("lists, objects and leaves in each other's places are errors there, as in graphql-js", async () => {
  const { apiSchema, execute: run } = await engineAlone()
  let errors = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const { document, text, variables } = randomOperation(apiSchema, { seed })
    const context: Context = { random: randomNumbers(hash('shapes', seed)) }
    const own = await run({ document, variables, context })
    const wanted = await right(document, variables, context.data)
    const told = { seed, text, sent: context.data }
    const wrong = differenceInPlaces(
      { data: parsed(own.data), errors: own.errors.map(readError), calls: [] },
      { ...wanted, errors: (wanted.errors ?? []).map(readError), calls: [] },
      document,
    )
    expect({ ...told, wrong }).toEqual({ ...told, wrong: undefined })
    errors += own.errors.length
  }
  expect(errors).toBeGreaterThan(50)
})
