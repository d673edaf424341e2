import { z } from 'zod'
import { duration, section, size, wholeNumber } from './values.ts'

/** What is limited for every operation: too much of it would harm the gateway itself. */
const always = { tokens: 10_000, depth: 200, selections: 20_000 } as const

const measurable = [
  'tokens',
  'depth',
  'selections',
  'aliases',
  'root_fields',
  'directives',
  'height',
  'variables_depth',
  'variables_size',
] as const

type Measurable = (typeof measurable)[number]

const count = (description: string) =>
  wholeNumber({ least: 1, most: 1_000_000 }).optional().describe(description)

const costSchema = z
  .strictObject({
    max: wholeNumber({ least: 1, most: 1_000_000_000 }).describe(
      'The highest estimated cost of an operation',
    ),
    list_size: wholeNumber({ least: 1, most: 100_000 })
      .default(10)
      .describe('The length of a list of which the schema says nothing'),
    mode: z
      .enum(['enforce', 'measure'])
      .default('enforce')
      .describe('enforce: refuse what costs more; measure: report it in metrics and the log'),
    by_scope: z
      .record(z.string().min(1), wholeNumber({ least: 1, most: 1_000_000_000 }))
      .default({})
      .describe(
        'The highest cost for callers with that scope, instead of max; of several scopes, the highest counts',
      ),
  })
  .transform(({ max, list_size, mode, by_scope }) => ({
    max,
    listSize: list_size,
    mode,
    byScope: new Map(Object.entries(by_scope)),
  }))
  .optional()

/**
 * `limits:` of gateway.yaml: how large an operation may be, and what it may cost. The defaults are far above
 * what a person or a code generator writes, and below what parsing, validation and planning can handle.
 */
export const limitsSchema = section({
  tokens: wholeNumber({ least: 100, most: 100_000 })
    .default(always.tokens)
    .describe('The most tokens in a document'),
  depth: wholeNumber({ least: 5, most: 500 })
    .default(always.depth)
    .describe('The deepest nesting in an operation; fragments count where they are spread'),
  selections: wholeNumber({ least: 100, most: 10_000_000 })
    .default(always.selections)
    .describe('The most selections in an operation with its fragments expanded'),
  aliases: count('The most fields with an alias'),
  root_fields: count('The most root fields'),
  directives: count('The most directives'),
  height: count('The most fields; a field counts once in each selection set'),
  variables_depth: wholeNumber({ least: 0, most: 200 })
    .optional()
    .describe('The deepest nesting of lists and objects in variables'),
  variables_size: size({ least: '10B', most: '100MB' })
    .optional()
    .describe('The size of the variables as JSON text'),
  measure: z
    .array(z.enum(measurable))
    .default([])
    .describe('Limits that refuse nothing: what exceeds them is in metrics and the log'),
  cost: costSchema,
  planning_time: duration({ least: '50ms', most: '1m' })
    .default(3_000)
    .describe('The longest time for planning an operation; then it is refused'),
  credential_fields: z
    .array(z.string().regex(/^\w+\.\w+$/, 'expected a coordinate such as Mutation.login'))
    .default([])
    .describe(
      'Root fields that take credentials, such as Mutation.login: an operation may select only one of them, once',
    ),
}).transform((section, context) => {
  const { measure, aliases, rootFields, directives, height, variablesDepth, variablesSize } =
    section
  const { tokens, depth, selections, planningTime, credentialFields, cost } = section
  const given: Readonly<Record<Measurable, number | undefined>> = {
    ...{ tokens, depth, selections, aliases, root_fields: rootFields, directives, height },
    ...{ variables_depth: variablesDepth, variables_size: variablesSize },
  }
  const measured = new Set(measure)
  for (const [index, limit] of measure.entries()) {
    if (given[limit] !== undefined) continue
    context.addIssue({
      code: 'custom',
      path: ['measure', index],
      message: `is not limited: set limits.${limit} as well`,
    })
  }
  const enforced = (limit: keyof typeof always): number =>
    measured.has(limit) ? Math.max(section[limit], always[limit]) : section[limit]
  const most = measurable.filter((limit) => !(limit in always) || measured.has(limit))
  return {
    tokens: enforced('tokens'),
    depth: enforced('depth'),
    selections: enforced('selections'),
    planningTime,
    credentialFields,
    cost,
    operation: {
      most: Object.fromEntries(
        most.flatMap((limit) => (given[limit] === undefined ? [] : [[limit, given[limit]]])),
      ) as Partial<Record<Measurable, number>>,
      measured,
    },
  }
})

export type Limits = z.output<typeof limitsSchema>
