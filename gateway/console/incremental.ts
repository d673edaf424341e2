/** Responses in parts, as `@defer` has them, in the format `deferSpec=20220824`. */
import type { GraphError, GraphResult } from './graph-result.ts'

/** What the Accept header of a client says that understands this format. */
export const incrementalType = 'multipart/mixed;deferSpec=20220824'

interface Part extends GraphResult {
  readonly incremental?: readonly {
    readonly data?: unknown
    readonly path: readonly (string | number)[]
    readonly errors?: readonly GraphError[]
  }[]
}

/** Yields the response each time when a part of it has come: with all that is known by then. */
export async function* partsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<GraphResult> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let result: GraphResult = {}
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const pieces = (text + value).split('\r\n--graphql')
    text = pieces.pop() ?? ''
    for (const piece of pieces) {
      const start = piece.indexOf('\r\n\r\n')
      if (start === -1) continue
      result = withPart(result, JSON.parse(piece.slice(start)) as Part)
      yield result
    }
  }
}

function withPart(before: GraphResult, part: Part): GraphResult {
  const { data = before.data, extensions, incremental = [] } = part
  const errors = [before, part, ...incremental].flatMap(({ errors = [] }) => errors)
  return {
    data: incremental.reduce((whole, { path, data }) => withDataAt(whole, path, data), data),
    ...(errors.length > 0 ? { errors } : {}),
    extensions: withExtensions(before.extensions, extensions),
  }
}

type Extensions = NonNullable<GraphResult['extensions']>

/** Each part lists the requests that were sent for it. */
function withExtensions(before: Extensions = {}, added: Extensions = {}): Extensions {
  const fetches = [before, added].flatMap(({ fetches }) => (Array.isArray(fetches) ? fetches : []))
  return { ...before, ...added, ...(fetches.length > 0 || before['fetches'] ? { fetches } : {}) }
}

/** Returns a copy of a value with further fields of the object at the path. */
function withDataAt(value: unknown, path: readonly (string | number)[], data: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return merged(value, data)
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === step ? withDataAt(item, rest, data) : item))
  }
  if (typeof value !== 'object' || value === null) return value
  return { ...value, [step]: withDataAt((value as Record<string, unknown>)[step], rest, data) }
}

/** A deferred fragment may select what is there already, in more detail. */
function merged(one: unknown, other: unknown): unknown {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.map((item, index) => merged(item, other[index]))
  }
  if (!isObject(one) || !isObject(other)) return other === undefined || other === null ? one : other
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries([...names].map((name) => [name, merged(one[name], other[name])]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
