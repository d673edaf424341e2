import { findBreakingChanges, findDangerousChanges } from 'graphql'
import type { BreakingChange, DangerousChange, GraphQLSchema } from 'graphql'
import type { Unplaced } from './finding.ts'
import type { RecordedUsage } from './read-usage.ts'
import { describeUsage, usageOfChange } from './usage-of-change.ts'

/** What clients use, and what that means for breaking changes. */
export interface UsageOptions {
  readonly recorded: RecordedUsage
  /** Whether a breaking change is only a warning if no client uses what it breaks. */
  readonly allowUnused: boolean
}

/**
 * Returns the changes since the last schema that break, or may break, clients. With their usage, each
 * breaking change says which clients it breaks.
 */
export function schemaChanges(
  last: GraphQLSchema,
  schema: GraphQLSchema,
  usage?: UsageOptions,
): Unplaced[] {
  const finding = (
    severity: Unplaced['severity'],
    { type, description }: BreakingChange | DangerousChange,
  ) => ({ severity, code: type, coordinate: coordinateIn(description), message: description })
  return [
    ...findBreakingChanges(last, schema).map((change) =>
      usage ? withUsage(change, usage) : finding('error', change),
    ),
    ...findDangerousChanges(last, schema).map((change) => finding('warning', change)),
  ]

  function withUsage(change: BreakingChange, { recorded, allowUnused }: UsageOptions): Unplaced {
    const usage = usageOfChange(change, last, recorded)
    const severity = allowUnused && usage.outcome === 'not used' ? 'warning' : 'error'
    const found = finding(severity, change)
    const message = `${found.message.replace(/\.$/, '')}: ${describeUsage(usage)}`
    return { ...found, message, usage }
  }

  /** Returns the field that the message is about, otherwise the type. */
  function coordinateIn(description: string): string {
    const names = description.match(/\w+(\.\w+)?/g) ?? []
    const isType = (name: string) => name in last.getTypeMap() || name in schema.getTypeMap()
    return names.find((name) => name.includes('.')) ?? names.find(isType) ?? ''
  }
}
