/** `headers:` of a subgraph: which headers pass the gateway, to the subgraph and back. */
import { z } from 'zod'
import { whyNeverReturned, whyNeverSent } from '../forwarding/header-names.ts'
import { isFieldValue } from '../forwarding/header-rules.ts'
import type { HeaderRule, HeaderSelection, PropagateRule } from '../forwarding/header-rules.ts'
import { together } from './values.ts'
import type { Problem } from './values.ts'

type WhyNever = (name: string) => string | undefined

/** The most rules of a list, and names or patterns of a rule. */
const most = 50

/** A token of RFC 9110 section 5.6.2, without the `*` of patterns. */
const nameForm = /^[!#$%&'+.^_`|~0-9a-z-]{1,100}$/
const patternForm = /^[a-z0-9*-]{1,100}$/

const oneOrMore = (message: string) =>
  z
    .union([z.string(), z.array(z.string()).min(1, message).max(most, message)], message)
    .transform((given) => [given].flat().map((name) => name.toLowerCase()))

function names(whyNever: WhyNever) {
  return oneOrMore('expected the name of a header, or a list of names')
    .superRefine((list, context) => {
      for (const name of list) {
        const problem = nameForm.test(name) ? whyNever(name) : noName(name)
        if (problem) context.addIssue({ code: 'custom', message: `"${name}" ${problem}` })
      }
    })
    .describe('The name of a header, or a list of names; case does not matter')
}

function noName(text: string): string {
  return patternForm.test(text)
    ? 'is a pattern: write it in matching'
    : 'is not the name of a header'
}

function patterns() {
  return oneOrMore('expected a pattern, or a list of patterns')
    .superRefine((list, context) => {
      for (const pattern of list) {
        if (patternForm.test(pattern)) continue
        const message = `"${pattern}" is not a pattern: it is a name in which * stands for any characters, such as "x-acme-*"`
        context.addIssue({ code: 'custom', message })
      }
    })
    .describe('A pattern such as `x-acme-*`, or a list; headers about identity need their names')
}

function target(whyNever: WhyNever) {
  return z
    .string()
    .transform((name) => name.toLowerCase())
    .superRefine((name, context) => {
      const message = nameForm.test(name) ? whyNever(name) : 'is not the name of a header'
      if (message) context.addIssue({ code: 'custom', message })
    })
}

const fieldValue = z
  .string()
  .max(1_000, 'expected at most 1000 characters')
  .refine((text) => isFieldValue(text) && text === text.trim(), {
    message: 'expected a text without control characters, as a header may have',
  })

const remove = (whyNever: WhyNever) =>
  z
    .strictObject({ named: names(whyNever).optional(), matching: patterns().optional() })
    .check(together<Selection>(checkSelection))
    .optional()
    .describe('Headers that an earlier rule has set, such as one of `all`')

const requestRule = z
  .strictObject({
    propagate: z
      .strictObject({
        named: names(whyNeverSent).optional(),
        matching: patterns().optional(),
        rename: target(whyNeverSent).optional().describe('Its name for the subgraph'),
        default: fieldValue.optional().describe('Its value if the client sends none'),
      })
      .check(together<Selection>(checkPropagate))
      .optional(),
    remove: remove(whyNeverSent),
  })
  .check(together<GivenRule>(checkRule))
  .transform(ruleOf)

const responseRule = z
  .strictObject({
    propagate: z
      .strictObject({
        named: names(whyNeverReturned).optional(),
        matching: patterns().optional(),
        rename: target(whyNeverReturned).optional().describe('Its name for the client'),
        default: fieldValue.optional().describe('Its value if the subgraph sends none'),
        algorithm: z
          .enum(['first', 'last', 'append'])
          .optional()
          .describe('Which value counts if several responses have it (default first)'),
      })
      .check(together<Selection>(checkPropagate))
      .check(together<Selection>(checkCacheControl))
      .optional(),
    remove: remove(whyNeverReturned),
  })
  .check(together<GivenRule>(checkRule))
  .transform(ruleOf)

export const headersSchema = z.strictObject({
  request: z
    .array(requestRule)
    .max(most, `expected at most ${most} rules`)
    .default([])
    .describe("Which of the client's headers subgraphs get; rules of `all` come first"),
  response: z
    .array(responseRule)
    .max(most, `expected at most ${most} rules`)
    .default([])
    .describe("Which headers of subgraphs' responses clients get; rules of `all` come first"),
})

/** What is given of a rule: nothing is certain about it yet. */
interface Selection {
  named?: unknown
  matching?: unknown
  rename?: unknown
  default?: unknown
  algorithm?: unknown
}

interface GivenRule {
  propagate?: unknown
  remove?: unknown
}

function checkRule({ propagate, remove }: GivenRule, problem: Problem): void {
  if ((propagate === undefined) === (remove === undefined)) {
    problem([], 'expected propagate or remove')
  }
}

function checkSelection({ named, matching }: Selection, problem: Problem): void {
  if ((named === undefined) === (matching === undefined)) {
    problem([], 'expected named or matching')
  }
}

function checkPropagate(rule: Selection, problem: Problem): void {
  checkSelection(rule, problem)
  const { named, rename, default: fallback } = rule
  if (rename !== undefined && (named === undefined || [named].flat().length > 1)) {
    problem(['rename'], 'needs the name of one header in named')
  }
  if (fallback !== undefined && named === undefined) problem(['default'], 'needs named')
}

/** The strictest of all responses counts; under another name it would mean nothing. */
function checkCacheControl({ named, rename, algorithm }: Selection, problem: Problem): void {
  const isMeant = (name: unknown) => String(name).toLowerCase() === 'cache-control'
  const isNamed = [named].flat().some(isMeant)
  if (isNamed && algorithm !== undefined) {
    problem(['algorithm'], 'is not for cache-control: the strictest of all responses counts')
  }
  if (isMeant(rename) || (isNamed && rename !== undefined)) {
    problem(['rename'], 'is not for cache-control: it has one meaning under one name')
  }
}

/** Returns a rule that has been checked: it has one of each pair. */
function ruleOf({ propagate, remove }: GivenRule): HeaderRule {
  return propagate
    ? { propagate: propagate as PropagateRule }
    : { remove: remove as HeaderSelection }
}

/** Returns the names that these headers have behind the gateway. */
export function namesBehind(rules: readonly HeaderRule[]): readonly string[] {
  return rules.flatMap((rule) => {
    if (!('propagate' in rule) || !('named' in rule.propagate)) return []
    const { rename, named } = rule.propagate
    return rename === undefined ? named : [rename]
  })
}

/** Returns the headers that the rules name. */
export function namedIn(rules: readonly HeaderRule[]): readonly string[] {
  return rules.flatMap((rule) =>
    'propagate' in rule && 'named' in rule.propagate ? rule.propagate.named : [],
  )
}
