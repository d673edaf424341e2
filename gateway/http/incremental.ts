/**
 * The two formats of responses in parts: `deferSpec=20220824`, of Apollo's router and Apollo Client 3, and
 * `incrementalSpec=v0.2`, of graphql-js 17, in which each fragment at each position has an id.
 */
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseError, ResponsePath } from '../graphql/response-error.ts'
import type { HttpResponse } from './http-message.ts'
import { acceptsParts, multipart } from './media-type.ts'
import { afterLastPart, firstBoundary, part } from './parts.ts'
import type { OperationResult } from './result-response.ts'

/** A deferred fragment at one position. */
export interface Fragment {
  /** Its number in the operation. */
  readonly index: number
  readonly path: ResponsePath
  readonly label: string | undefined
}

/** One that is sent now. */
export interface FragmentToSend extends Fragment {
  /** The JSON text of its fields; `null` if a null in it reached its object. */
  readonly data: string
  readonly errors: readonly ResponseError[]
}

/** What is sent at one time, after the first. */
export interface Payload {
  readonly fragments: readonly FragmentToSend[]
  /** What comes no later than now, of the expected ones too. */
  readonly settled: readonly Fragment[]
  readonly extensions: OperationResult['extensions']
  readonly hasNext: boolean
}

/** Writes the JSON texts of one response. */
export interface IncrementalWriter {
  /** @param expected what is deferred, as far as it is known yet */
  first(result: OperationResult, expected: readonly Fragment[]): string
  next(payload: Payload): string
  /** Returns the last text when the rest is not sent, for these reasons. */
  refused(errors: readonly ResponseError[]): string
}

export interface IncrementalFormat {
  readonly mediaType: string
  writer(): IncrementalWriter
  /** Returns a complete response as its only part. */
  complete(response: HttpResponse): HttpResponse
}

const deferSpec: IncrementalFormat = {
  mediaType: multipart.deferSpec,
  complete: inOnePart,
  writer: () => ({
    first: (result) => firstText(result, '"hasNext":true'),
    next({ fragments, extensions, hasNext }) {
      const items = fragments.map(({ data, path, label, errors }) =>
        objectText([
          `"data":${data}`,
          `"path":${JSON.stringify(path)}`,
          ...(label === undefined ? [] : [`"label":${JSON.stringify(label)}`]),
          ...(errors.length > 0 ? [`"errors":${JSON.stringify(errors)}`] : []),
        ]),
      )
      return objectText([
        ...(items.length > 0 ? [`"incremental":[${items.join(',')}]`] : []),
        ...extensionsText(extensions),
        `"hasNext":${hasNext}`,
      ])
    },
    refused: (errors) => JSON.stringify({ errors, hasNext: false }),
  }),
}

const incrementalSpec: IncrementalFormat = {
  mediaType: multipart.incrementalSpec,
  complete: inOnePart,
  writer() {
    const pending = new Map<string, string>()
    let ids = 0
    const keyOf = ({ index, path }: Fragment) => JSON.stringify([index, path])
    /** Returns the text that announces those which are not announced yet. */
    const announce = (fragments: readonly Fragment[]) => {
      const texts = fragments.flatMap((fragment) => {
        const key = keyOf(fragment)
        if (pending.has(key)) return []
        const id = String(ids++)
        pending.set(key, id)
        const { path, label } = fragment
        return [JSON.stringify({ id, path, ...(label === undefined ? {} : { label }) })]
      })
      return texts.length > 0 ? [`"pending":[${texts.join(',')}]`] : []
    }
    return {
      first: (result, expected) => firstText(result, ...announce(expected), '"hasNext":true'),
      next({ fragments, settled, extensions, hasNext }) {
        const announced = announce(fragments)
        const items = fragments.flatMap(({ data, errors, ...fragment }) => {
          if (data === 'null') return []
          const id = `"id":"${pending.get(keyOf(fragment))}"`
          const own = errors.length > 0 ? [`"errors":${JSON.stringify(errors)}`] : []
          return [objectText([id, `"data":${data}`, ...own])]
        })
        const failed = new Map(
          fragments.flatMap((one) => (one.data === 'null' ? [[keyOf(one), one.errors]] : [])),
        )
        const completed = [...fragments, ...settled].flatMap((fragment) => {
          const key = keyOf(fragment)
          const id = pending.get(key)
          if (id === undefined || id === done) return []
          pending.set(key, done)
          const errors = failed.get(key)
          return [JSON.stringify({ id, ...(errors ? { errors } : {}) })]
        })
        return objectText([
          ...announced,
          ...(items.length > 0 ? [`"incremental":[${items.join(',')}]`] : []),
          ...(completed.length > 0 ? [`"completed":[${completed.join(',')}]`] : []),
          ...extensionsText(extensions),
          `"hasNext":${hasNext}`,
        ])
      },
      refused(errors) {
        const open = [...pending.values()].filter((id) => id !== done)
        const completed = open.map((id) => ({ id, errors }))
        return JSON.stringify({ ...(open.length > 0 ? { completed } : {}), hasNext: false })
      },
    }
  },
}

const done = ''

/** Returns the format that an Accept header names; undefined if it names none. */
export function acceptedIncremental(accept: string | undefined): IncrementalFormat | undefined {
  if (acceptsParts(accept, 'deferSpec')) return deferSpec
  return acceptsParts(accept, 'incrementalSpec') ? incrementalSpec : undefined
}

export const incrementalFormats: readonly IncrementalFormat[] = [deferSpec, incrementalSpec]

function inOnePart({ status, headers, body }: HttpResponse): HttpResponse {
  const json = stringOf(body).trimEnd()
  const only = part(`${json.slice(0, -1)},"hasNext":false}`)
  return { status, headers, body: firstBoundary + only + afterLastPart }
}

function firstText(
  { data, errors, extensions }: OperationResult,
  ...more: readonly string[]
): string {
  return objectText([
    `"data":${stringOf(data)}`,
    ...(errors.length > 0 ? [`"errors":${JSON.stringify(errors)}`] : []),
    ...extensionsText(extensions),
    ...more,
  ])
}

function extensionsText(extensions: OperationResult['extensions']): readonly string[] {
  return extensions ? [`"extensions":${JSON.stringify(extensions)}`] : []
}

function objectText(members: readonly string[]): string {
  return `{${members.join(',')}}`
}
