/** What it means that an engine is right, and that two engines agree. */
import { isDeepStrictEqual } from 'node:util'
import { visit } from 'graphql'
import type { DocumentNode } from 'graphql'
import { faulty, meaningOf, oddResponse } from './odd-bytes.ts'
import { randomNumbers } from './random-operation.ts'
import { hash } from './hash.ts'
import { needlessFields } from './needless-fields.ts'
import type { EngineAnswer, OperationForEngines, TwoEngines, WriteResponse } from './two-engines.ts'
import { unexplainedLosses } from './unexplained-losses.ts'

export interface Verdict {
  /** How the native engine differs from the truth. */
  readonly wrong: Difference | undefined
  /** How @apollo/gateway differs from the native engine. */
  readonly disagreement: Difference | undefined
  /** Whether @apollo/gateway differs from the truth. */
  readonly apolloIsWrong: boolean
}

export interface Difference {
  readonly about:
    'data' | 'errors' | 'losses without an error' | 'skipped fields that were resolved'
  readonly native: unknown
  readonly other: unknown
}

/** Errors for data that does not fit the schema: @apollo/gateway has none for these. */
const nullWhereNoneMayBe = /^(Cannot return null for non-nullable|Invalid )/

/** Returns the problems with the native engine's response. */
export async function compareEngines(
  engines: TwoEngines,
  operation: OperationForEngines,
): Promise<Verdict> {
  const [native, truth, apollo] = await Promise.all(
    [engines.native, engines.truth, engines.apollo].map((answer) => settled(answer(operation))),
  )
  const names = responseNames(operation.document)
  return {
    wrong:
      difference(native!, truth!, (answer) => errorsOf(answer, names)) ??
      skippedFields(native!, operation, engines.inputs),
    disagreement: difference(native!, apollo!, (answer) => errorsOfSubgraphs(answer, names)),
    apolloIsWrong:
      difference(apollo!, truth!, (answer) => errorsOfSubgraphs(answer, names)) !== undefined,
  }
}

/** Returns how the response to an event differs from the right one. */
export async function compareEvent(
  { live, truth }: TwoEngines,
  operation: OperationForEngines,
): Promise<Difference | undefined> {
  const [own, right] = await Promise.all([settled(live(operation)), settled(truth(operation))])
  const names = responseNames(operation.document)
  return difference(own, right, (answer) => errorsOf(answer, names))
}

/**
 * Returns how the response differs from that of an operation for which the calls with broken bytes fail:
 * of a response with a fault nothing may be used.
 */
export async function compareFaults(
  { native }: TwoEngines,
  operation: OperationForEngines,
  seed: number,
): Promise<Difference | undefined> {
  const withFaults = (use: (bytes: Buffer) => Buffer | undefined) =>
    settled(
      native({
        ...operation,
        write(response, call) {
          const random = randomNumbers(hash(call, seed))
          const bytes = oddResponse(response, random)
          const broken = hash(seed, call) % 3 === 0 ? faulty(bytes, random) : bytes
          return meaningOf(broken) ? bytes : use(broken)
        },
      }),
    )
  const [own, right] = await Promise.all([
    withFaults((bytes) => bytes),
    withFaults(() => undefined),
  ])
  const everything = ({ errors }: EngineAnswer) => errors.map((error) => JSON.stringify(error))
  return difference(own!, right!, everything)
}

/** Returns what of a response is lost without an error when every third call to a subgraph fails. */
export async function compareFailures(
  { native, truth }: TwoEngines,
  operation: OperationForEngines,
  seed: number,
): Promise<Difference | undefined> {
  const write: WriteResponse = (response, call) =>
    hash(seed, 'fails', call) % 3 === 0 ? undefined : Buffer.from(JSON.stringify(response))
  const [own, whole] = await Promise.all([
    settled(native({ ...operation, write })),
    settled(truth(operation)),
  ])
  const losses = unexplainedLosses(own, whole)
  if (losses.length === 0) return undefined
  return { about: 'losses without an error', native: { ...own, losses }, other: whole }
}

/** Returns how the response to values that do not fit the schema differs from the right one. */
export async function compareWrongValues(
  { native, truth }: TwoEngines,
  operation: OperationForEngines,
): Promise<Difference | undefined> {
  const [own, right] = await Promise.all([settled(native(operation)), settled(truth(operation))])
  return differenceInPlaces(own, right, operation.document)
}

/** Returns how data and places of errors differ, whatever the errors say. */
export function differenceInPlaces(
  native: EngineAnswer,
  other: EngineAnswer,
  document: DocumentNode,
): Difference | undefined {
  const names = responseNames(document)
  return difference(native, other, ({ data, errors }) =>
    errorsOf(
      { data, errors: errors.map((one) => ({ ...one, message: 'error' })), calls: [] },
      names,
    ),
  )
}

function difference(
  native: EngineAnswer,
  other: EngineAnswer,
  errors: (answer: EngineAnswer) => readonly string[],
): Difference | undefined {
  if (!isDeepStrictEqual(native.data, other.data)) return { about: 'data', native, other }
  const [own, others] = [errors(native), errors(other)]
  if (isDeepStrictEqual(own, others)) return undefined
  return { about: 'errors', native: own, other: others }
}

function skippedFields(
  native: EngineAnswer,
  operation: OperationForEngines,
  inputs: ReadonlySet<string>,
): Difference | undefined {
  const needless = needlessFields(native, operation, inputs)
  if (needless.length === 0) return undefined
  return { about: 'skipped fields that were resolved', native: needless, other: native.calls }
}

async function settled(answering: Promise<EngineAnswer>): Promise<EngineAnswer> {
  return answering.catch((error: Error) => ({
    data: 'rejected',
    errors: [{ message: error.message, path: '', code: error.stack }],
    calls: [],
  }))
}

function errorsOfSubgraphs(answer: EngineAnswer, names: ReadonlySet<string>): string[] {
  const errors = answer.errors.filter(({ message }) => !nullWhereNoneMayBe.test(message))
  return errorsOf({ ...answer, errors }, names)
}

/**
 * Messages with paths, as far as the paths are of the client's operation. Below a null nobody knows
 * which of several errors came first: there, that something failed is all that counts.
 */
function errorsOf({ data, errors }: EngineAnswer, names: ReadonlySet<string>): string[] {
  const texts = errors.map(({ message, path }) => {
    const steps = path.split('.')
    const end = steps.findIndex((step) => !/^\d+$/.test(step) && !names.has(step))
    const own = end < 0 ? steps : steps.slice(0, end)
    const reached = nullAbove(data, own)
    if (reached < own.length) return `something below ${own.slice(0, reached).join('.')}`
    return `${message} at ${own.join('.')}`
  })
  return [...new Set(texts)].sort()
}

/** Returns how many steps lead to a null, or all. */
function nullAbove(data: unknown, steps: readonly string[]): number {
  let value = data
  for (const [index, step] of steps.entries()) {
    if (value === null || value === undefined) return index
    value = (value as Record<string, unknown>)[step]
  }
  return steps.length
}

function responseNames(document: DocumentNode): Set<string> {
  const names = new Set<string>()
  visit(document, { Field: ({ alias, name }) => void names.add((alias ?? name).value) })
  return names
}
