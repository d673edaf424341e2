/** A hint, never a rule: how long a password would withstand guessing, by zxcvbn. */
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
import { dictionary as english, translations } from '@zxcvbn-ts/language-en'

export interface PasswordStrength {
  /** 0 (guessed at once) to 4. */
  readonly score: number
  readonly warning: string | null
  readonly suggestions: readonly string[]
}

/** The estimate takes time with the square of the length; longer passwords are strong enough. */
const longestEstimated = 64

const estimator = new ZxcvbnFactory({
  dictionary: { ...dictionary, ...english },
  graphs: adjacencyGraphs,
  translations,
})

/** @param known what an attacker knows of the person: the username, the e-mail address */
export function passwordStrength(password: string, known: readonly string[]): PasswordStrength {
  const { score, feedback } = estimator.check(password.slice(0, longestEstimated), [...known])
  return { score, warning: feedback.warning, suggestions: feedback.suggestions }
}
