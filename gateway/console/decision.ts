/** What the gateway says of each field in `extensions.authorization`: see explain-operation.ts of the gateway. */
import type { GraphResult } from './graph-result.ts'

export interface Declaration {
  readonly subgraph: string
  readonly file?: string
  readonly line?: number
}

export interface Requirement {
  readonly directive: string
  readonly met: boolean
  readonly because: string
  readonly at: string
  readonly declaredIn: readonly Declaration[]
}

export interface FieldDecision {
  readonly path: readonly string[]
  readonly coordinate: string
  readonly decision: 'allowed' | 'denied' | 'not reached'
  readonly requirements: readonly Requirement[]
  readonly missing?: Missing
}

/** What a caller lacks: alternatives of names. */
export interface Missing {
  readonly authenticated?: boolean
  readonly scopes?: readonly (readonly string[])[]
  readonly policies?: readonly (readonly string[])[]
  readonly acr_values?: readonly string[]
  readonly max_age?: number
}

/** Returns the decision about each field; undefined where the gateway does not explain it to this caller. */
export function decisionIn({ extensions }: GraphResult): readonly FieldDecision[] | undefined {
  const explained = extensions?.['authorization']
  return Array.isArray(explained) ? (explained as FieldDecision[]) : undefined
}

/** Returns what is missing, as a part of a sentence; empty if that cannot be said. */
export function missingInWords(missing: Missing): string {
  const { authenticated, scopes, policies, acr_values: levels, max_age: maxAge } = missing
  return [
    ...(authenticated ? ['a token'] : []),
    ...(scopes
      ? [`${scopes.flat().length === 1 ? 'the scope' : 'the scopes'} ${anyOf(scopes)}`]
      : []),
    ...(policies ? [`the policy ${anyOf(policies)}`] : []),
    ...(levels ? [`a login of the level ${levels.join(' or ')}`] : []),
    ...(maxAge === undefined ? [] : [`a login in the last ${maxAge} s`]),
  ].join(', and ')
}

function anyOf(alternatives: readonly (readonly string[])[]): string {
  return alternatives.map((names) => names.join(' + ')).join(', or ')
}

/** Returns where a guard is written, as an editor opens it. */
export function placeOf({ subgraph, file, line }: Declaration): string {
  return file === undefined ? subgraph : `${file}:${line ?? 1} (${subgraph})`
}

/** One field of the operation with what each identity gets. */
export interface DecisionRow {
  readonly path: readonly string[]
  readonly coordinate: string
  /** In the order of the decisions; undefined where one of them does not have the field. */
  readonly fields: readonly (FieldDecision | undefined)[]
  /** Whether the identities do not all get the same. */
  readonly differs: boolean
}

/** Returns the decisions of several identities about one operation, field by field. */
export function decisionRows(decisions: readonly (readonly FieldDecision[])[]): DecisionRow[] {
  const rows = new Map<string, DecisionRow>()
  const maps = decisions.map((fields) => new Map(fields.map((field) => [keyOf(field), field])))
  for (const field of decisions.flat()) {
    const key = keyOf(field)
    if (rows.has(key)) continue
    const fields = maps.map((map) => map.get(key))
    const differs = new Set(fields.map((each) => each?.decision)).size > 1
    rows.set(key, { path: field.path, coordinate: field.coordinate, fields, differs })
  }
  return [...rows.values()]
}

function keyOf({ path, coordinate }: FieldDecision): string {
  return JSON.stringify([path, coordinate])
}
