/** Leaves, which are most of a response: result coercion of scalars and enums (GraphQL, section 3.5). */
import { isEnumType, isSpecifiedScalarType } from 'graphql'
import type { GraphQLLeafType } from 'graphql'
import { isWithinNesting } from '../values/json.ts'
import type { Completion } from './completion.ts'
import { jsonString } from './json-string.ts'
import { deepestNesting, jsonWithinNesting } from './nesting.ts'

/** Returns the completion of a leaf type. Null and what does not fit are found after the value itself. */
export function leaf(type: GraphQLLeafType, place: string, isNonNull: boolean): Completion {
  const write = leafWriter(type)
  return {
    isText: isSpecifiedScalarType(type) && (type.name === 'String' || type.name === 'ID'),
    write(value, writing) {
      const written = value == null ? undefined : write(value)
      if (written !== undefined) return written
      if (isNonNull || value != null) writing.hasErrors = true
      return isNonNull ? undefined : 'null'
    },
    report(value, path, found) {
      if (value == null && !isNonNull) return 'complete'
      if (value != null && write(value) !== undefined) return 'complete'
      const message =
        value == null
          ? `Cannot return null for non-nullable ${place}.`
          : coercionErrorMessage(value, place)
      found.add({ message, path })
      return isNonNull ? 'field error' : 'complete'
    },
  }
}

function coercionErrorMessage(value: unknown, place: string): string {
  if (isWithinNesting(value, deepestNesting)) return `Invalid value found for ${place}.`
  return `The value found for ${place} is nested deeper than ${deepestNesting} levels.`
}

/** Returns the writer of a leaf type; it returns undefined for a value that does not belong to the type. */
function leafWriter(type: GraphQLLeafType): (value: unknown) => string | undefined {
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name }) => [name as unknown, `"${name}"`]))
    return (value) => texts.get(value)
  }
  if (!isSpecifiedScalarType(type)) {
    return (value) => (typeof value === 'string' ? jsonString(value) : jsonWithinNesting(value))
  }
  switch (type.name) {
    case 'Int':
      // 32 bits (section 3.5.1).
      return (value) =>
        typeof value === 'number' && value === (value | 0) ? String(value) : undefined
    case 'Float':
      return (value) => (Number.isFinite(value) ? String(value) : undefined)
    case 'Boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : undefined)
    case 'ID':
      return (value) => {
        if (typeof value === 'string') return jsonString(value)
        // A larger number is not the one that the subgraph wrote.
        return Number.isSafeInteger(value) ? `"${String(value)}"` : undefined
      }
    default:
      return (value) => (typeof value === 'string' ? jsonString(value) : undefined)
  }
}
