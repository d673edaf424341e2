/** The 49,000 most common passwords, from the lists of zxcvbn. */
import { dictionary } from '@zxcvbn-ts/language-common'

const common = new Set<string>(dictionary['passwords-common'])

/** The shortest part that is looked up: every password could be split into shorter ones. */
const shortestPart = 4

/**
 * Returns whether a password is a common one, two of them concatenated, or a repeated short text. Few
 * common passwords are as long as ours have to be; long ones are made of short ones.
 */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase()
  if (common.has(text) || isRepetition(text)) return true
  for (let cut = shortestPart; cut <= text.length - shortestPart; cut++) {
    if (common.has(text.slice(0, cut)) && common.has(text.slice(cut))) return true
  }
  return false
}

/** As in `abcabcabcabc` and `aaaaaaaaaaaaaaaa`: at least half of it is repetition. */
function isRepetition(text: string): boolean {
  const period = (text + text).indexOf(text, 1)
  return period <= text.length / 2 && period <= 10
}
