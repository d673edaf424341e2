import { findBreakingChanges, findDangerousChanges } from 'graphql'
import type { BreakingChange, DangerousChange, GraphQLSchema } from 'graphql'
import type { Unplaced } from './finding.ts'

/** Returns the changes since the last schema that break, or may break, clients. */
export function schemaChanges(last: GraphQLSchema, schema: GraphQLSchema): Unplaced[] {
  const finding = (
    severity: Unplaced['severity'],
    { type, description }: BreakingChange | DangerousChange,
  ) => ({ severity, code: type, coordinate: coordinateIn(description), message: description })
  return [
    ...findBreakingChanges(last, schema).map((change) => finding('error', change)),
    ...findDangerousChanges(last, schema).map((change) => finding('warning', change)),
  ]

  /** Returns the field that the message is about, otherwise the type. */
  function coordinateIn(description: string): string {
    const names = description.match(/\w+(\.\w+)?/g) ?? []
    const isType = (name: string) => name in last.getTypeMap() || name in schema.getTypeMap()
    return names.find((name) => name.includes('.')) ?? names.find(isType) ?? ''
  }
}
