/** The denied fields of an operation as paths, known before anything is executed. */
import type { FieldNode } from 'graphql'
import type { GuardedField, GuardedOperation, GuardedSelections } from './guarded-operation.ts'
import { takesPart } from './conditions.ts'
import type { ConditionValues } from './conditions.ts'
import type { Requirement } from './guarded-schema.ts'

/** A denied field, wherever lists repeat it. */
export interface DeniedPath {
  /** Response keys, without the positions in lists, which only a response has. */
  readonly path: readonly string[]
  /** Where the document names it. */
  readonly nodes: readonly FieldNode[]
  readonly coordinate: string
  /** What was demanded, met or not. */
  readonly requirement: Requirement
}

/** The most paths that are listed: nested fragments can make millions of them. */
const mostPaths = 1000

/** The most selections that are looked at to find them. */
const mostSteps = 100_000

/** Returns the denied paths that @skip and @include do not exclude, in document order. */
export function deniedPaths(
  compiled: GuardedOperation,
  denies: (requirement: Requirement) => boolean,
  values: ConditionValues,
): DeniedPath[] {
  const found = new Map<string, DeniedPath>()
  const clean = new Set<GuardedSelections>()
  let steps = 0
  walk(compiled.selections, [], [])
  return [...found.values()]

  /** Returns whether nothing in the set, however deep, is denied. */
  function walk(set: GuardedSelections, path: readonly string[], inherited: Requirement): boolean {
    if (inherited.length === 0 && clean.has(set)) return true
    let isClean = true
    for (const selection of set.selections) {
      if (found.size >= mostPaths || ++steps > mostSteps) return false
      if (!takesPart(selection.conditions, values)) {
        isClean = false
        continue
      }
      const { requirement, selections } = selection
      const denied = inherited.length > 0 || denies(requirement)
      if (selection.kind === 'fragment') {
        const beneath = denied ? [...inherited, ...requirement] : inherited
        isClean = walk(selection.selections, path, beneath) && isClean
      } else if (denied && selection.name !== '__typename') {
        isClean = false
        report(selection, [...path, selection.responseKey], [...inherited, ...requirement])
      } else if (selections) {
        isClean = walk(selections, [...path, selection.responseKey], []) && isClean
      }
    }
    if (isClean && inherited.length === 0) clean.add(set)
    return isClean
  }

  function report(field: GuardedField, path: readonly string[], requirement: Requirement): void {
    const key = path.join('.')
    const known = found.get(key)
    found.set(key, {
      path,
      nodes: [...(known?.nodes ?? []), field.node],
      coordinate: known?.coordinate ?? `${field.parentType}.${field.name}`,
      requirement: [...(known?.requirement ?? []), ...requirement],
    })
  }
}
