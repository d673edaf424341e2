import { z } from 'zod'
import { duration, wholeNumber } from './values.ts'

/**
 * How large a document may be. What a person or a code generator writes is far below the defaults;
 * what parsing, validation and planning can bear is above.
 */
export const limitsSchema = z
  .strictObject({
    tokens: wholeNumber({ least: 100, most: 100_000 })
      .default(10_000)
      .describe('The most tokens of a document'),
    depth: wholeNumber({ least: 5, most: 500 })
      .default(200)
      .describe('The deepest nesting of an operation, fragments counted where they are spread'),
    selections: wholeNumber({ least: 100, most: 10_000_000 })
      .default(20_000)
      .describe('The most selections of an operation once its fragments are written out'),
    planning_time: duration({ least: '50ms', most: '1m' })
      .default(3_000)
      .describe('The longest that an operation may take to plan, before it is refused'),
    credential_fields: z
      .array(z.string().regex(/^\w+\.\w+$/, 'expected a coordinate such as Mutation.login'))
      .default([])
      .describe('Root fields of which an operation may select one, once: Mutation.login'),
  })
  .prefault({})
  .transform(({ planning_time, credential_fields, ...rest }) => ({
    ...rest,
    planningTime: planning_time,
    credentialFields: credential_fields,
  }))

export type Limits = z.output<typeof limitsSchema>
