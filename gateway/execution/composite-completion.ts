/** CompleteValue (GraphQL, section 6.4.3) for lists and objects, and for what the gateway knows by itself. */
import { isObjectType } from 'graphql'
import type { GraphQLCompositeType, GraphQLNamedType } from 'graphql'
import type { ResponsePath } from '../graphql/response-error.ts'
import type { CollectedField } from '../graphql/response-shape.ts'
import { fieldError } from './completion.ts'
import type { Completion, Findings, Outcome, Writing } from './completion.ts'
import { absent, isList, isRecord } from './fetched-data.ts'
import { closeBracket, comma, openBracket } from '../values/json-bytes.ts'
import { Word } from '../values/word.ts'

/** The completion of objects, which are records. */
export interface ObjectCompletion {
  write(record: number, writing: Writing): boolean
  report(record: number, path: ResponsePath, found: Findings): Outcome
}

/**
 * Returns the completion of a type without objects: it is null only when it was fetched and found to be so.
 */
export function fetched(inner: Completion, type: GraphQLNamedType, field: string): Completion {
  return {
    write(slot, writing) {
      if (writing.data.tape[slot] === absent) writing.hasErrors = true
      return inner.write(slot, writing)
    },
    report(slot, path, found) {
      if (found.data.tape[slot] !== absent) return inner.report(slot, path, found)
      found.add({
        message: `Cannot fetch ${field}: there is no object type for ${type.name}.`,
        path,
      })
      return 'complete'
    },
  }
}

/** Returns the completion of a list, from that of its elements. */
export function listOf(element: Completion, field: string): Completion {
  const noList = fieldError(`Invalid value found for ${field}.`)
  return {
    write(slot, writing) {
      const { data, output } = writing
      const first = data.tape[slot]!
      if (first >= 0) {
        output.writeFetched(first, data.tape[slot + 1]!)
        return true
      }
      if (first !== isList) return noList.write(slot, writing)
      const list = data.tape[slot + 1]!
      const length = data.tape[list]!
      output.writeByte(openBracket)
      for (let index = 0; index < length; index++) {
        if (index > 0) output.writeByte(comma)
        if (!element.write(list + 1 + 2 * index, writing)) return false
      }
      output.writeByte(closeBracket)
      return true
    },
    report(slot, path, found) {
      const { tape } = found.data
      if (tape[slot]! >= 0) return 'complete'
      if (tape[slot] !== isList) return noList.report(slot, path, found)
      const list = tape[slot + 1]!
      const deniedBefore = found.deniedCount
      let outcome: Outcome = 'complete'
      for (let index = 0; index < tape[list]!; index++) {
        const ofElement = element.report(list + 1 + 2 * index, [...path, index], found)
        if (ofElement === 'field error') outcome = ofElement
        else if (ofElement === 'denied' && outcome === 'complete') outcome = ofElement
      }
      if (outcome === 'field error') found.keepDenied(deniedBefore)
      return outcome
    },
  }
}

/** Returns the completion of a value that has to be an object. */
export function objectOnly(inner: ObjectCompletion, field: string): Completion {
  const noObject = fieldError(`Invalid value found for ${field}.`)
  return {
    write(slot, writing) {
      const { data, output } = writing
      const first = data.tape[slot]!
      if (first === isRecord) return inner.write(data.tape[slot + 1]!, writing)
      if (first < 0) return noObject.write(slot, writing)
      output.writeFetched(first, data.tape[slot + 1]!)
      return true
    },
    report(slot, path, found) {
      const { tape } = found.data
      if (tape[slot] === isRecord) return inner.report(tape[slot + 1]!, path, found)
      return tape[slot]! < 0 ? noObject.report(slot, path, found) : 'complete'
    },
  }
}

/** Returns the completion of `__typename`. */
export function typename(parent: GraphQLCompositeType): Completion {
  if (!isObjectType(parent)) {
    return fieldError(`The type of an object of ${parent.name} is not known.`)
  }
  const text = new Word(JSON.stringify(parent.name))
  return {
    write(_, { output }) {
      output.write(text)
      return true
    },
    report: () => 'complete',
  }
}

/** Returns the completion of an introspection field. */
export function introspected(fields: readonly CollectedField<unknown>[]): Completion {
  const nodes = fields.flatMap(({ node, denied }) => (denied === undefined ? [node] : []))
  return {
    write(_, { introspect, output }) {
      output.writeText(JSON.stringify(introspect(nodes) ?? null))
      return true
    },
    report: () => 'complete',
  }
}
