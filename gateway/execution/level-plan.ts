/**
 * Parallel branches of a plan -> levels, one after the other, where fetches of entities from one subgraph
 * can then leave in one request. Each branch waits for the others at each level, so a plan that would not
 * save a request stays as it is. A fetch that no other waits for may itself wait, to leave with a later
 * one.
 */
import type { FetchStep, Step } from './plan-steps.ts'

interface Placed {
  readonly step: Step
  /** Whether no step of its branch comes after it. */
  readonly isLast: boolean
}

type Level = readonly Placed[]

/** Returns the step, in levels where they save requests. */
export function levelled(step: Step): Step {
  switch (step.kind) {
    case 'sequence':
      return { ...step, steps: step.steps.map(levelled) }
    case 'parallel': {
      const levels = delayed(levelsOf(step))
      if (levels.length < 2 || !levels.slice(1).some(savesRequests)) return step
      return { kind: 'sequence', steps: levels.map(asStep) }
    }
    default:
      return step
  }
}

function savesRequests(level: Level): boolean {
  const subgraphs = level.flatMap(({ step }) => (isBatchable(step) ? [step.subgraph] : []))
  return new Set(subgraphs).size < subgraphs.length
}

function isBatchable(step: Step): step is FetchStep {
  return step.kind === 'fetch' && step.mayBatch
}

function levelsOf(step: Step): readonly Level[] {
  if (step.kind === 'sequence') {
    return step.steps.flatMap((child, index) =>
      index === step.steps.length - 1 ? levelsOf(child) : levelsOf(child).map(followed),
    )
  }
  if (step.kind !== 'parallel') return [[{ step, isLast: true }]]
  const branches = step.steps.map(levelsOf)
  const depth = Math.max(...branches.map((levels) => levels.length))
  return Array.from({ length: depth }, (_, index) =>
    branches.flatMap((levels) => levels[index] ?? []),
  )
}

function followed(level: Level): Level {
  return level.map(({ step }) => ({ step, isLast: false }))
}

/** Moves each fetch that can wait to the last level that fetches from the same subgraph anyway. */
function delayed(levels: readonly Level[]): readonly Level[] {
  const target = ({ step, isLast }: Placed, from: number) => {
    if (!isLast || !isBatchable(step)) return from
    const fetchesToo = (level: Level) =>
      level.some((other) => isBatchable(other.step) && other.step.subgraph === step.subgraph)
    return Math.max(from, levels.findLastIndex(fetchesToo))
  }
  const moved = levels.map((): Placed[] => [])
  levels.forEach((level, from) =>
    level.forEach((placed) => moved[target(placed, from)]!.push(placed)),
  )
  return moved.filter((level) => level.length > 0)
}

function asStep(level: Level): Step {
  return level.length === 1
    ? level[0]!.step
    : { kind: 'parallel', steps: level.map(({ step }) => step) }
}
