/** The rules for new passwords (NIST SP 800-63B-4 section 3.1.1.2), as a table. */
import type { InputProblem } from '../accounts/input-problem.ts'
import { isCommonPassword } from './common-passwords.ts'
import { countCodePoints, longestPassword, readPassword } from './password-text.ts'
import { isWellFormed } from './well-formed.ts'

export interface PasswordRules {
  /** In code points: 15 where the password is the only factor, never below 8. */
  leastLength: number
}

/** The least length of a password after removing the username from it, in code points. */
const leastBesideUsername = 8

/** Returns the problems with a new password; an empty list if it is acceptable. */
export function passwordProblems(
  field: string,
  password: string,
  username: string,
  { leastLength }: PasswordRules,
): InputProblem[] {
  const text = readPassword(password)
  if (text === undefined) {
    return [
      isWellFormed(password)
        ? { field, code: 'TOO_LONG', message: `At most ${longestPassword} characters` }
        : { field, code: 'ILL_FORMED', message: 'This text is not valid Unicode: type it again' },
    ]
  }
  const rules = [
    {
      broken: () => countCodePoints(text) < leastLength,
      code: 'TOO_SHORT',
      message: `At least ${leastLength} characters: several words are easy to remember`,
    },
    {
      broken: () => isCommonPassword(text),
      code: 'COMMON',
      message: 'Many people use this password, so it is tried first',
    },
    {
      broken: () => isMadeOf(username, text),
      code: 'MADE_OF_USERNAME',
      message: 'The username is not secret: choose a password without it',
    },
  ]
  const broken = rules.find((rule) => rule.broken())
  return broken ? [{ field, code: broken.code, message: broken.message }] : []
}

function isMadeOf(username: string, password: string): boolean {
  const name = username.toLowerCase()
  const reversed = [...name].reverse().join('')
  const rest = password.toLowerCase().replaceAll(name, '').replaceAll(reversed, '')
  return rest.length < password.length && countCodePoints(rest) < leastBesideUsername
}
