import { z } from 'zod'
import { wholeNumber } from './values.ts'

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
    credential_fields: z
      .array(z.string().regex(/^\w+\.\w+$/, 'expected a coordinate such as Mutation.login'))
      .default([])
      .describe('Root fields of which an operation may select one, once: Mutation.login'),
  })
  .prefault({})
  .transform(({ credential_fields, ...rest }) => ({ ...rest, credentialFields: credential_fields }))

export type Limits = z.output<typeof limitsSchema>
