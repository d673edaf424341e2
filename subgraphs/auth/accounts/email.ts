import type { InputProblem } from './input-problem.ts'
import { isWellFormed } from '../passwords/well-formed.ts'

/** RFC 5321 section 4.5.3.1.3, without the brackets. */
const longest = 254

/** Refuses text that cannot be an address; only sending a mail shows whether it is reachable. */
const shape = /^[^\s@\p{C}<>,;:"()[\]\\]+@[^\s@\p{C}<>,;:"()[\]\\]+\.[^\s@\p{C}<>,;:"()[\]\\]+$/u

export function emailProblems(email: string | null | undefined): InputProblem[] {
  if (email == null || isEmailAddress(email)) return []
  return [{ field: 'email', code: 'NO_ADDRESS', message: 'This is not an e-mail address' }]
}

export function isEmailAddress(text: string): boolean {
  return text.length <= longest && isWellFormed(text) && shape.test(text)
}
