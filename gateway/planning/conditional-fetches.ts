/**
 * The fault: the planner puts a fetch under the conditions of the fetches that it waits for, although
 * it may have other reasons to be sent. Importing this file corrects the planner: each fetch is under its
 * own conditions only.
 */
import { correctFetches } from './planner-fetches.ts'
import type { FetchProcessor } from './planner-fetches.ts'

correctFetches((fetchGroup, fetchGraph) => {
  const { conditions } = fetchGroup
  const { process } = fetchGraph
  fetchGroup.conditions = () => true
  fetchGraph.process = function (processor, rootKind) {
    const eachUnderItsOwn: FetchProcessor<unknown> = {
      ...processor,
      onFetchGroup(group) {
        const own = conditions.call(group)
        return processor.onConditions(own, processor.onFetchGroup(group, own))
      },
    }
    return process.call(this, eachUnderItsOwn, rootKind)
  }
})
