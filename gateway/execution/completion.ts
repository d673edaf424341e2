/** CompleteValue (GraphQL, section 6.4.3) as two functions of each type: one writes, one finds errors. */
import type { CollectedField, DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import { errorList } from './error-list.ts'
import type { JsonObject } from './response-data.ts'

/** What writing one response needs beside the data. */
export interface Writing {
  /** Set when the response needs errors: something does not fit the schema, or is denied. */
  hasErrors: boolean
  readonly introspect: Introspect
  /** The texts of objects that stand at several positions, as far as they are written. */
  readonly texts?: SharedTexts | undefined
}

/** By object: the text, and the fields that it has. Empty: not written yet. */
export type SharedTexts = Map<JsonObject, SharedText>

export interface SharedText {
  fields: unknown
  text: string | undefined
}

/** Something in the fetched data that does not fit the schema: a field error (section 6.4.4). */
export interface FieldError {
  readonly message: string
  readonly path: ResponsePath
}

/** What becomes of a value: `null` for one of two reasons, which a non-null type passes on. */
export type Outcome = 'complete' | 'field error' | 'denied'

export interface Completion {
  /** Whether any string is fine: what most fields hold is written without asking further. */
  readonly isText?: boolean
  /** Returns the JSON text; undefined is a null where none may be. */
  write(value: unknown, writing: Writing): string | undefined
  /** Reports what is wrong with the value, and what is denied. */
  report(value: unknown, path: ResponsePath, found: Findings): Outcome
}

/** The most denied fields that are listed: aliases in a long list can make millions of them. */
const mostDenied = 1_000

/** The errors of one response, as a second walk over its data finds them. */
export class Findings {
  readonly #errors = errorList<FieldError>()
  readonly #denied: DeniedField[] = []
  #deniedCount = 0
  readonly #isExplained: (path: ResponsePath) => boolean

  /** @param isExplained whether the error of a fetch explains what is wrong at the path */
  constructor(isExplained: (path: ResponsePath) => boolean) {
    this.#isExplained = isExplained
  }

  get errors(): readonly FieldError[] {
    return this.#errors.listed()
  }

  /** The denied fields; of very many, the first ones. */
  get denied(): readonly DeniedField[] {
    return this.#denied
  }

  /** How many denied fields there are, listed or not. */
  get deniedCount(): number {
    return this.#deniedCount
  }

  add(error: FieldError): void {
    if (!this.#isExplained(error.path)) this.#errors.add(() => error)
  }

  deny(path: ResponsePath, fields: readonly CollectedField<unknown>[]): void {
    if (this.#denied.length < mostDenied) this.#denied.push({ path, fields })
    this.#deniedCount++
  }

  /** Forgets the denied fields beyond that count: what was around them has become null by itself. */
  keepDenied(count: number): void {
    this.#deniedCount = count
    this.#denied.length = Math.min(this.#denied.length, count)
  }
}

/** Returns the completion of a nullable type, from that of its values. */
export function nullable(inner: Completion): Completion {
  return {
    write: (value, writing) => (value == null ? 'null' : (inner.write(value, writing) ?? 'null')),
    report(value, path, found) {
      if (value != null) inner.report(value, path, found)
      return 'complete'
    },
  }
}

/** Returns the completion of a non-null type, from that of its values. */
export function nonNull(inner: Completion, place: string): Completion {
  return {
    write(value, writing) {
      if (value != null) return inner.write(value, writing)
      writing.hasErrors = true
      return undefined
    },
    report(value, path, found) {
      if (value != null) return inner.report(value, path, found)
      found.add({ message: `Cannot return null for non-nullable ${place}.`, path })
      return 'field error'
    },
  }
}

/** Returns the completion of a value that is wrong, whatever it is. */
export function fieldError(message: string): Completion {
  return {
    write(_, writing) {
      writing.hasErrors = true
      return undefined
    },
    report(_, path, found) {
      found.add({ message, path })
      return 'field error'
    },
  }
}

/** Returns the completion of a field that the caller may not see. */
export function deniedField(
  fields: readonly CollectedField<unknown>[],
  isNonNull: boolean,
): Completion {
  return {
    write(_, writing) {
      writing.hasErrors = true
      return isNonNull ? undefined : 'null'
    },
    report(_, path, found) {
      found.deny(path, fields)
      return isNonNull ? 'denied' : 'complete'
    },
  }
}
