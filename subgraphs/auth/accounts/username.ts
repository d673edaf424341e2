/** Usernames: each has one canonical form, and none can be mistaken for another. */
import type { InputProblem } from './input-problem.ts'
import { isWellFormed } from '../passwords/well-formed.ts'

export interface Username {
  /** The form that is stored and looked up. */
  readonly canonical: string
  /** Equal for names that look alike. */
  readonly skeleton: string
}

const lengths = { least: 3, most: 64 }

/**
 * In UTF-16 units: a decomposed code point has up to eight of them. Longer text cannot be a name, and
 * normalizing it takes time quadratic in the number of consecutive combining marks.
 */
const longestTyped = 2 * 8 * lengths.most

/** Letters with their marks, digits, and the characters of e-mail addresses. */
const acceptable = /^[\p{L}\p{M}\p{Nd}._@+-]+$/u

/** Invisible or meaningless characters: never part of a name. */
const invisible = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u

/** Scripts with letters that look like those of another of them. */
const confusableScripts = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
]

/** Characters that look like others (from Unicode TR 39's confusables), after folding the case. */
const lookAlikes: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'l',
  '|': 'l',
  ı: 'i',
  ǀ: 'l',
  // Cyrillic
  а: 'a',
  в: 'b',
  с: 'c',
  ԁ: 'd',
  е: 'e',
  һ: 'h',
  і: 'i',
  ј: 'j',
  к: 'k',
  ӏ: 'l',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  ԛ: 'q',
  г: 'r',
  ѕ: 's',
  т: 't',
  ѵ: 'v',
  ԝ: 'w',
  х: 'x',
  у: 'y',
  // Greek
  α: 'a',
  β: 'b',
  ε: 'e',
  η: 'n',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  σ: 'o',
  τ: 't',
  υ: 'u',
  χ: 'x',
  γ: 'y',
  // Armenian
  օ: 'o',
  ո: 'n',
  ս: 'u',
  հ: 'h',
  ց: 'g',
  զ: 'q',
}

/**
 * Returns the canonical form of a name: trimmed, Unicode NFKC, case folded. It is the same for every
 * spelling that a person would consider the same name.
 */
export function canonicalUsername(typed: string): string {
  if (typed.length > longestTyped) return typed.slice(0, longestTyped)
  return typed.trim().normalize('NFKC').toLowerCase().normalize('NFKC').trim()
}

/** Returns the forms of a new name, or the problem with it. */
export function readNewUsername(text: string): Username | InputProblem[] {
  const typed = text.trim()
  const canonical = canonicalUsername(isWellFormed(typed) ? typed : '\0')
  const length = [...canonical].length
  const rules = [
    {
      broken: invisible.test(typed) || invisible.test(canonical),
      code: 'INVISIBLE_CHARACTERS',
      message: 'Use no spaces or invisible characters',
    },
    {
      broken: length < lengths.least || length > lengths.most,
      code: 'LENGTH',
      message: `From ${lengths.least} to ${lengths.most} characters`,
    },
    {
      broken: !acceptable.test(canonical),
      code: 'CHARACTERS',
      message: 'Letters, digits and . _ @ + - only',
    },
    {
      broken: confusableScripts.filter((script) => script.test(canonical)).length > 1,
      code: 'MIXED_SCRIPTS',
      message: 'Use letters of one alphabet only: letters of two alphabets can look alike',
    },
  ]
  const broken = rules.find((rule) => rule.broken)
  if (broken) return [{ field: 'username', code: broken.code, message: broken.message }]
  return { canonical, skeleton: skeleton(canonical) }
}

/** Returns the visual skeleton of a name: accents stripped, look-alikes replaced. */
export function skeleton(canonical: string): string {
  const bare = canonical.normalize('NFD').replace(/\p{M}/gu, '')
  const letters = [...bare].map((character) => lookAlikes[character] ?? character).join('')
  return letters.replaceAll('rn', 'm').replaceAll('vv', 'w')
}
