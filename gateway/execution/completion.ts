/** CompleteValue (GraphQL, section 6.4.3) as two functions of each type: one writes, one finds errors. */
import type { CollectedField, DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import { errorList } from './error-list.ts'
import { absent, isNull } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import { nullWord } from '../values/json-bytes.ts'
import type { ResponseOutput } from './response-output.ts'

/** The state of writing one response. */
export interface Writing {
  readonly data: FetchedData
  readonly output: ResponseOutput
  /** Set when the response needs errors: something does not fit the schema, or is denied. */
  hasErrors: boolean
  readonly introspect: Introspect
}

/** Something in the fetched data that does not fit the schema: a field error (section 6.4.4). */
export interface FieldError {
  readonly message: string
  readonly path: ResponsePath
}

/** The outcome for a value: `null` has one of two reasons, which a non-null type propagates. */
export type Outcome = 'complete' | 'field error' | 'denied'

/** `slot` is where the value is on the tape; 0 for a value that is not fetched. */
export interface Completion {
  /** Writes the value and returns true; false is a null where none may be. */
  write(slot: number, writing: Writing): boolean
  /** Reports the coercion errors and the denied fields of the value. */
  report(slot: number, path: ResponsePath, found: Findings): Outcome
}

/** The most denied fields that are listed: aliases in a long list can make millions of them. */
const mostDenied = 1_000

/** The errors of one response, as a second walk over its data finds them. */
export class Findings {
  readonly data: FetchedData
  readonly #errors = errorList<FieldError>()
  readonly #denied: DeniedField[] = []
  #deniedCount = 0
  readonly #isExplained: (path: ResponsePath) => boolean

  /** @param isExplained returns whether the error of a fetch covers a field error at the path */
  constructor(data: FetchedData, isExplained: (path: ResponsePath) => boolean) {
    this.data = data
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

/** Returns whether there is no value in a slot. */
export function isMissing({ tape }: FetchedData, slot: number): boolean {
  const first = tape[slot]
  return first === absent || first === isNull
}

/** Returns the completion of a nullable type, from that of its values. */
export function nullable(inner: Completion): Completion {
  return {
    write(slot, writing) {
      const { data, output } = writing
      if (!isMissing(data, slot)) {
        const { position } = output
        if (inner.write(slot, writing)) return true
        output.returnTo(position)
      }
      output.write(nullWord)
      return true
    },
    report(slot, path, found) {
      if (!isMissing(found.data, slot)) inner.report(slot, path, found)
      return 'complete'
    },
  }
}

/** Returns the completion of a non-null type, from that of its values. */
export function nonNull(inner: Completion, place: string): Completion {
  return {
    write(slot, writing) {
      if (!isMissing(writing.data, slot)) return inner.write(slot, writing)
      writing.hasErrors = true
      return false
    },
    report(slot, path, found) {
      if (!isMissing(found.data, slot)) return inner.report(slot, path, found)
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
      return false
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
      if (!isNonNull) writing.output.write(nullWord)
      return !isNonNull
    },
    report(_, path, found) {
      found.deny(path, fields)
      return isNonNull ? 'denied' : 'complete'
    },
  }
}
