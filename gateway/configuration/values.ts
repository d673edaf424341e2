/** The kinds of values that several sections of the configuration have. */
import { z } from 'zod'

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const durationForm = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h|d)$/

/** A length of time such as `500ms`, `5s`, `10m`, `24h`, `7d`; its value is in milliseconds. */
export function duration(bounds: { least: string; most: string }) {
  const least = milliseconds(bounds.least)
  const most = milliseconds(bounds.most)
  return z
    .string(`expected a length of time such as "5s" or "10m"`)
    .regex(durationForm, `expected a length of time such as "5s" or "10m"`)
    .transform(milliseconds)
    .refine((value) => value >= least && value <= most, {
      message: `expected a length of time from ${bounds.least} to ${bounds.most}`,
    })
}

/** Returns a length of time in milliseconds; the text must have the form above. */
export function milliseconds(text: string): number {
  const [, amount, unit] = durationForm.exec(text) ?? []
  return Number(amount) * units[unit as keyof typeof units]
}

const sizeUnits = { B: 1, KB: 1024, MB: 1024 * 1024 } as const
const sizeForm = /^(\d+)\s?(B|KB|MB)$/

/** A size such as `100KB` or `1MB`; its value is in bytes. */
export function size(bounds: { least: string; most: string }) {
  const message = `expected a size from ${bounds.least} to ${bounds.most}, such as "100KB"`
  return z
    .string(message)
    .regex(sizeForm, message)
    .transform(bytes)
    .refine((value) => value >= bytes(bounds.least) && value <= bytes(bounds.most), { message })
}

function bytes(text: string): number {
  const [, amount, unit] = sizeForm.exec(text) ?? []
  return Number(amount) * sizeUnits[unit as keyof typeof sizeUnits]
}

/** true or false; the words also as text, which is what `${env.NAME}` yields. */
export function flag() {
  return z
    .union([z.boolean(), z.enum(['true', 'false'])], 'expected true or false')
    .transform((value) => value === true || value === 'true')
}

/** A whole number within the bounds, both included; digits also as text. */
export function wholeNumber({ least, most }: { least: number; most: number }) {
  const message = `expected a whole number from ${least} to ${most}`
  return z
    .union([z.number(), z.string().regex(/^\d+$/)], message)
    .transform(Number)
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, { message })
}

/** A URL, absolute. */
export function address() {
  return z.string('expected a URL').refine(URL.canParse, { message: 'expected a URL' })
}

/** Text with at least one character. */
export function text() {
  return z.string().min(1, 'expected a text that is not empty')
}

/** A list of different texts, at least one. */
export function texts() {
  return z
    .array(text())
    .min(1, 'expected at least one entry')
    .refine((list) => new Set(list).size === list.length, { message: 'has an entry twice' })
}

/** The name of a claim. `__proto__` and the like are refused: reading them would not read a claim. */
export function claimName() {
  return text().refine((name) => !['__proto__', 'constructor', 'prototype'].includes(name), {
    message: 'is not a name that a claim may have',
  })
}

/** Reports a problem at a path below the value that is checked. */
export type Problem = (path: PropertyKey[], message: string) => void

/**
 * A rule about several keys together. It is checked even when one of the keys is wrong by itself, so
 * that an operator sees every problem at once: `Value` says how little is certain about the keys.
 */
export function together<Value>(check: (value: Value, problem: Problem) => void) {
  return z.superRefine<unknown>(
    (value, context) => {
      if (typeof value !== 'object' || value === null) return
      check(value as Value, (path, message) => context.addIssue({ code: 'custom', path, message }))
    },
    { when: () => true },
  )
}

type CamelCase<Key> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key

/** The settings of a section under the names that the code uses: `max_age` is `maxAge`. */
export type CamelCased<Section> = {
  [Key in keyof Section as CamelCase<Key>]: Section[Key]
}

/** Returns the settings of a section under the names that the code uses: `max_age` is `maxAge`. */
export function camelCased<Section extends object>(section: Section): CamelCased<Section> {
  const entries = Object.entries(section).map(([key, value]) => [
    key.replace(/_./g, (letter) => letter.slice(1).toUpperCase()),
    value,
  ])
  return Object.fromEntries(entries) as CamelCased<Section>
}

/** Returns the schema of a section that may be left out, with the names that the code uses. */
export function section<Keys extends z.ZodRawShape>(keys: Keys) {
  return z
    .strictObject(keys)
    .prefault({} as never)
    .transform(camelCased)
}
