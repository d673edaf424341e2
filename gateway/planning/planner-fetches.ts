/**
 * The planner's own classes for the fetches of a plan, which it does not export: those of the first
 * fetch that a planner keeps.
 */
import { MapWithCachedArrays } from '@apollo/federation-internals'

/** What a fetch may depend on: variables, or nothing when it is a constant. */
export type FetchConditions = boolean | readonly object[]

/** A future fetch: a node of the planner's graph of dependencies. */
export interface FetchGroup {
  readonly dependencyGraph: FetchGraph
  parentGroups(): readonly FetchGroup[]
  addParent(parent: { readonly group: FetchGroup }): void
  canMergeChildIn(child: FetchGroup): boolean
  mergeInWithAllDependencies(other: FetchGroup): void
  /** Returns the conditions under which anything is fetched. */
  conditions(): FetchConditions
}

/** The planner's graph of dependencies. */
export interface FetchGraph {
  process(processor: FetchProcessor<unknown>, rootKind: unknown): unknown
}

/** Makes a plan, or the estimate of its costs, of a graph. */
export interface FetchProcessor<T> {
  onFetchGroup(group: FetchGroup, handledConditions: FetchConditions): T
  onConditions(conditions: FetchConditions, value: T): T
}

/** Gets the prototypes of both classes, and replaces functions of theirs. */
export type FetchCorrection = (fetchGroup: FetchGroup, fetchGraph: FetchGraph) => void

const corrections: FetchCorrection[] = []
const { set } = MapWithCachedArrays.prototype

/** Applies the correction before anything is planned. */
export function correctFetches(correction: FetchCorrection): void {
  corrections.push(correction)
}

MapWithCachedArrays.prototype.set = function (key, value) {
  if (isFetchGroup(value)) {
    MapWithCachedArrays.prototype.set = set
    const prototypes = [value, value.dependencyGraph].map((one): unknown =>
      Object.getPrototypeOf(one),
    )
    const [fetchGroup, fetchGraph] = prototypes as [FetchGroup, FetchGraph]
    for (const correct of corrections) correct(fetchGroup, fetchGraph)
  }
  return set.call(this, key, value)
}

function isFetchGroup(value: unknown): value is FetchGroup {
  return typeof value === 'object' && value !== null && 'dependencyGraph' in value
}
