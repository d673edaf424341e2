import { z } from 'zod'
import { duration, section, wholeNumber } from './values.ts'

/**
 * `limits:` of gateway.yaml: how large an operation may be. The defaults are far above the needs of a person or a
 * code generator writes, and below what parsing, validation and planning can handle.
 */
export const limitsSchema = section({
  tokens: wholeNumber({ least: 100, most: 100_000 })
    .default(10_000)
    .describe('The most tokens in a document'),
  depth: wholeNumber({ least: 5, most: 500 })
    .default(200)
    .describe('The deepest nesting in an operation; fragments count where they are spread'),
  selections: wholeNumber({ least: 100, most: 10_000_000 })
    .default(20_000)
    .describe('The most selections in an operation with its fragments expanded'),
  planning_time: duration({ least: '50ms', most: '1m' })
    .default(3_000)
    .describe('The longest time for planning an operation; then it is refused'),
  credential_fields: z
    .array(z.string().regex(/^\w+\.\w+$/, 'expected a coordinate such as Mutation.login'))
    .default([])
    .describe(
      'Root fields that take credentials, such as Mutation.login: an operation may select only one of them, once',
    ),
})

export type Limits = z.output<typeof limitsSchema>
