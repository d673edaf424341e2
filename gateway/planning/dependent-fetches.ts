/**
 * The fault: the planner merges a fetch into an earlier one although it also depends on a third one, which
 * has the inputs that it requires. A field of the subgraph that an operation starts in is then fetched
 * without what it requires of another subgraph, when a field of a third subgraph requires it. Importing
 * this file corrects the planner.
 */
import { correctFetches } from './planner-fetches.ts'
import type { FetchGroup } from './planner-fetches.ts'

correctFetches((fetchGroup) => {
  const { addParent, canMergeChildIn, mergeInWithAllDependencies } = fetchGroup
  fetchGroup.canMergeChildIn = function (child) {
    const isEarlier = (parent: FetchGroup) => parent === this || dependsOn(this, parent)
    return canMergeChildIn.call(this, child) && child.parentGroups().every(isEarlier)
  }
  // The planner merges fetches with equal inputs. A fetch between the two would depend on itself if the
  // earlier one became part of the later one, and the planner would go round in circles forever.
  fetchGroup.mergeInWithAllDependencies = function (other) {
    if (!dependsOn(this, other)) mergeInWithAllDependencies.call(this, other)
  }
  fetchGroup.addParent = function (parent) {
    if (parent.group !== this) addParent.call(this, parent)
  }
})

function dependsOn(one: FetchGroup, other: FetchGroup): boolean {
  const dependencies = new Set(one.parentGroups())
  for (const dependency of dependencies) {
    if (dependency === other) return true
    for (const further of dependency.parentGroups()) dependencies.add(further)
  }
  return false
}
