/** A result that is sent in parts: what is deferred comes later. */
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError, ResponsePath } from '../graphql/response-error.ts'
import { valuesAt } from '../graphql/values-at.ts'
import type { OperationResult } from '../http/result-response.ts'
import { isObject } from '../values/json.ts'

/** The result of an operation with `@defer`. */
export interface PartedResult {
  readonly first: OperationResult
  /** In the order of the document. */
  readonly later: readonly LaterFragment[]
}

/** A deferred fragment. It is at several positions if lists lead to it. */
export interface LaterFragment {
  readonly label: string | undefined
  /** The response names of the fields that lead to it. */
  readonly path: readonly string[]
  /** Its fields, within those that lead to it; rejects for a fault of ours. */
  readonly result: Promise<OperationResult>
}

/** A deferred fragment at one position. */
export interface PlacedFragment {
  readonly path: ResponsePath
  /** The JSON text of its fields; `null` if a null in it reached its object. */
  readonly data: string
  readonly errors: readonly ResponseError[]
}

/** What the client has got so far: fragments belong to objects that it knows. */
export class DeliveredData {
  #data: unknown
  readonly #errors: Set<string>

  constructor({ data, errors }: Pick<OperationResult, 'data' | 'errors'>) {
    this.#data = parsed(data)
    this.#errors = new Set(errors.map((error) => JSON.stringify(error)))
  }

  /** Returns where the objects of a path are. */
  positions(path: readonly string[]): ResponsePath[] {
    const found: ResponsePath[] = []
    search(this.#data, 0, [])
    return found

    function search(value: unknown, depth: number, position: ResponsePath): void {
      if (Array.isArray(value)) {
        value.forEach((element, index) => search(element, depth, [...position, index]))
      } else if (isObject(value)) {
        const name = path[depth]
        if (name === undefined) found.push(position)
        else if (Object.hasOwn(value, name)) search(value[name], depth + 1, [...position, name])
      }
    }
  }

  /**
   * Returns a fragment at its positions, which the client knows from now on. Where a null has reached an object
   * above it, or where it does not apply, it is left out. An error is reported once, with the part that has
   * its path.
   */
  add({ path }: LaterFragment, { data, errors }: OperationResult): PlacedFragment[] {
    const known = new Set(this.positions(path).map((position) => JSON.stringify(position)))
    const placed: PlacedFragment[] = []
    for (const { position, text } of valuesAt(stringOf(data), path)) {
      if (!known.has(JSON.stringify(position))) continue
      const own = errors.filter((error) => startsWith(error.path ?? [], position))
      if (own.length === 0 && (text === 'null' || text === '{}')) continue
      const news = own.filter((error) => !this.#errors.has(JSON.stringify(error)))
      for (const error of news) this.#errors.add(JSON.stringify(error))
      if (text !== 'null') this.#merge(position, JSON.parse(text))
      placed.push({ path: position, data: text, errors: text === 'null' ? own : news })
    }
    return placed
  }

  #merge(position: ResponsePath, value: unknown): void {
    let target = this.#data
    for (const key of position) target = (target as Record<string | number, unknown>)[key]
    mergeInto(target, value)
  }
}

function mergeInto(target: unknown, value: unknown): void {
  if (!isContainer(target) || !isContainer(value)) return
  for (const [key, one] of Object.entries(value)) {
    if (Object.hasOwn(target, key)) mergeInto(target[key], one)
    // An assignment to `__proto__`, which is a name as well, would do something else.
    else Object.defineProperty(target, key, { value: one, enumerable: true })
  }
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function parsed(data: ResponseData): unknown {
  return JSON.parse(stringOf(data))
}

function startsWith(path: ResponsePath, position: ResponsePath): boolean {
  return position.every((key, index) => path[index] === key)
}
