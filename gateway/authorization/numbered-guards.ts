import { canonicalGuard } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'

/** Guards by number: equal ones have the same, so that a requirement is a set of small numbers. */
export interface NumberedGuards {
  readonly guards: readonly Guard[]
  /** Returns the number of a guard, a new one if no equal guard has one. */
  number(guard: Guard): number
}

/** Returns the numbered guards, which begin with those given. */
export function numberedGuards(first: readonly Guard[]): NumberedGuards {
  const guards: Guard[] = []
  const numbers = new Map<string, number>()
  first.forEach(number)
  return { guards, number }

  function number(guard: Guard): number {
    const canonical = canonicalGuard(guard)
    const key = JSON.stringify(canonical)
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, guards.length)
    return guards.push(canonical) - 1
  }
}
