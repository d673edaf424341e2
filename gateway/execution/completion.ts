/** CompleteValue (GraphQL, section 6.4.3) as two functions of each type: one writes, one finds errors. */
import type { CollectedField, DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import { errorList } from './error-list.ts'
import type { JsonObject } from './response-data.ts'

/** The state of writing one response. */
export interface Writing {
  /** Set when the response needs errors: something does not fit the schema, or is denied. */
  hasErrors: boolean
  readonly introspect: Introspect
  /** The texts already written of objects that occur at several positions. */
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

/** The outcome for a value: `null` has one of two reasons, which a non-null type propagates. */
export type Outcome = 'complete' | 'field error' | 'denied'

export interface Completion {
  /** Whether any string is valid: most fields contain strings, which are then written without a check. */
  readonly isText?: boolean
  /** Returns the JSON text; undefined is a null where none may be. */
  write(value: unknown, writing: Writing): string | undefined
  /** Reports the coercion errors and the denied fields of the value. */
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

  /** @param isExplained returns whether the error of a fetch covers a field error at the path */
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

  /** Removes the denied fields beyond a count: the value around them is null because of another error. */
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

/** Returns the completion that reports a coercion error for every value. */
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
