/**
 * Branches of a plan side by side -> levels, one after the other, where that lets fetches of entities
 * from one subgraph leave together: fewer requests for everybody. A branch then waits for the others
 * at each level, so a plan that would not save a request stays as it is.
 */
import type { FetchStep, Step } from './plan-steps.ts'

type Level = readonly Step[]

/** Returns the step, in levels where they save requests. */
export function levelled(step: Step, mayJoin: (subgraph: string) => boolean): Step {
  switch (step.kind) {
    case 'sequence':
      return { ...step, steps: step.steps.map((child) => levelled(child, mayJoin)) }
    case 'parallel': {
      const levels = levelsOf(step)
      if (levels.length < 2 || !levels.slice(1).some(savesRequests)) return step
      return { kind: 'sequence', steps: levels.map(asStep) }
    }
    default:
      return step
  }

  function savesRequests(level: Level): boolean {
    const subgraphs = level.filter(isJoinable).map(({ subgraph }) => subgraph)
    return new Set(subgraphs).size < subgraphs.length
  }

  function isJoinable(step: Step): step is FetchStep {
    if (step.kind !== 'fetch' || !step.represent || step.readContext) return false
    return mayJoin(step.subgraph)
  }
}

function levelsOf(step: Step): readonly Level[] {
  if (step.kind === 'sequence') return step.steps.flatMap(levelsOf)
  if (step.kind !== 'parallel') return [[step]]
  const branches = step.steps.map(levelsOf)
  const depth = Math.max(...branches.map((levels) => levels.length))
  return Array.from({ length: depth }, (_, index) =>
    branches.flatMap((levels) => levels[index] ?? []),
  )
}

function asStep(level: Level): Step {
  return level.length === 1 ? level[0]! : { kind: 'parallel', steps: level }
}
