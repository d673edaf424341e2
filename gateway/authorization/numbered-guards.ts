import { remembered } from '../values/remembered.ts'
import { canonicalGuard } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'

/**
 * Returns guards by number, which begin with those given: equal ones have the same, so that a requirement
 * is a set of small numbers.
 */
export function numberedGuards(first: readonly Guard[]) {
  const guards: Guard[] = []
  const numbers = new Map<string, number>()
  first.forEach(number)
  return { guards, number }

  /** Returns the number of a guard, a new one if no equal guard has one. */
  function number(guard: Guard): number {
    const canonical = canonicalGuard(guard)
    return remembered(numbers, JSON.stringify(canonical), () => guards.push(canonical) - 1)
  }
}
