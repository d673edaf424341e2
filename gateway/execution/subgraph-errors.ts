/** Which parts of a subgraph's errors a client sees. */
import { errorTable, plausibleRetryAfter, retryLater } from '../errors.ts'
import type { ErrorName, ErrorRow } from '../errors.ts'
import { abridged, mostErrors } from './error-list.ts'
import type { Overload } from './overload.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import type { FailedCall, SubgraphError } from './subgraph-request.ts'
import { withoutStacks } from './without-stacks.ts'

/**
 * `redact`: the error table's message for its own codes, SUBGRAPH_ERROR for all others; `pass`: the same,
 * but errors with one of these codes keep their message, and every code that passes keeps these extensions;
 * `expose`: message, code and extensions of every error, without values that could be a stack trace.
 */
export type SubgraphErrorPolicy =
  | 'redact'
  | 'expose'
  | { readonly pass: { readonly codes: readonly string[]; readonly extensions: readonly string[] } }

type Extensions = Readonly<Record<string, unknown>>

/** Codes of the error table that a subgraph may use, as they describe the client's request. */
const codesForClients: ReadonlySet<unknown> = new Set<ErrorName>([
  'BAD_USER_INPUT',
  'FORBIDDEN',
  'SERVICE_UNAVAILABLE',
  'TOO_MANY_REQUESTS',
  'UNAUTHENTICATED',
])

const nothingPasses: { codes: readonly string[]; extensions: readonly string[] } = {
  codes: [],
  extensions: [],
}

/**
 * Returns the errors of a subgraph's response as the client may see them.
 *
 * @param overload what the HTTP status reports, for errors without a code of their own
 */
export function readSubgraphErrors(
  errors: unknown,
  policy: SubgraphErrorPolicy,
  overload?: Overload,
): readonly SubgraphError[] {
  if (errors === undefined || errors === null) return []
  const list = listOf(errors)
  const listed = list.slice(0, mostErrors).map((error): SubgraphError => {
    const { message, path, extensions } = asRecord(error)
    const known = soundPath(path)
    return {
      ...visible(message, asRecord(extensions), policy, overload),
      ...(known.length > 0 ? { path: known } : {}),
    }
  })
  return abridged(listed, list.length - listed.length)
}

/** Some servers send one error without a list around it. */
function listOf(errors: unknown): readonly unknown[] {
  if (Array.isArray(errors)) return errors
  const isError =
    (typeof errors === 'string' && errors !== '') || Object.keys(asRecord(errors)).length > 0
  return isError ? [errors] : []
}

/** Returns whether a client sees that an error of a subgraph has this code. */
export function isCodeVisible(code: string, policy: SubgraphErrorPolicy): boolean {
  return policy === 'expose' || codesForClients.has(code) || isPassed(code, policy)
}

/** Returns the error that a client sees for a call without a usable response. */
export function errorOfCall({ reason, detail, retryAfter }: FailedCall): SubgraphError {
  const row = errorTable[reason]
  const message = messageWithSeconds(row, retryAfter)
  return {
    message: detail === undefined ? message : `${message}: ${detail}`,
    extensions: { code: row.code, ...(retryAfter === undefined ? {} : { retryAfter }) },
  }
}

function visible(
  message: unknown,
  extensions: Extensions,
  policy: SubgraphErrorPolicy,
  overload: Overload | undefined,
) {
  const { code } = extensions
  const otherwise = overload?.reason ?? 'SUBGRAPH_ERROR'
  const entries = Object.entries(extensions)
  const passed =
    policy === 'expose'
      ? entries
      : entries.filter(([name]) => passing(policy).extensions.includes(name))
  if (policy === 'expose' || isPassed(code, policy)) {
    const own = typeof code === 'string' ? code : otherwise
    const text =
      typeof message === 'string' ? message.slice(0, longestMessage) : errorTable[otherwise].message
    return { message: text, extensions: withWait(own, passed, extensions, overload) }
  }
  const isKnown = codesForClients.has(code)
  const row = errorTable[isKnown ? (code as ErrorName) : otherwise]
  const shown = withWait(row.code, isKnown ? passed : [], extensions, overload)
  return { message: messageWithSeconds(row, shown.retryAfter), extensions: shown }
}

/** Returns the message of the table, with the seconds that the subgraph says instead of the table's. */
function messageWithSeconds({ message, retryAfter }: ErrorRow, seconds: unknown): string {
  if (typeof seconds !== 'number') return message
  return message.replace(`${retryAfter} seconds`, seconds === 1 ? '1 second' : `${seconds} seconds`)
}

function passing(policy: SubgraphErrorPolicy) {
  return typeof policy === 'string' ? nothingPasses : policy.pass
}

function isPassed(code: unknown, policy: SubgraphErrorPolicy): boolean {
  return typeof code === 'string' && passing(policy).codes.includes(code)
}

/** Returns what passes, with how long to wait where the code says "try again later". */
function withWait(
  code: string,
  passed: readonly [string, unknown][],
  { retryAfter }: Extensions,
  overload: Overload | undefined,
): Extensions {
  const shown = { ...withoutStacks(passed), code }
  if (!retryLater.some((name) => name === code)) return shown
  const seconds = plausibleRetryAfter(retryAfter) ?? overload?.retryAfter
  return seconds === undefined ? shown : { ...shown, retryAfter: seconds }
}

/** The longest message of an error that is passed on, in characters. */
const longestMessage = 10_000

/** The longest path of an error that is read. */
const longestPath = 500

/** Returns a path up to its first part that is neither a name nor an index (section 7.1.2). */
function soundPath(path: unknown): ResponsePath {
  if (!Array.isArray(path)) return []
  const parts: readonly unknown[] = path.length > longestPath ? path.slice(0, longestPath) : path
  const odd = parts.findIndex((part) => !isName(part) && !isIndex(part))
  return (odd < 0 ? parts : parts.slice(0, odd)) as ResponsePath
}

function isName(part: unknown): boolean {
  return typeof part === 'string' && /^[_A-Za-z][_0-9A-Za-z]*$/.test(part)
}

function isIndex(part: unknown): boolean {
  return Number.isSafeInteger(part) && (part as number) >= 0
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
