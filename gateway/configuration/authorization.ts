import { z } from 'zod'
import { duration, flag, section, text, texts, together } from './values.ts'

const policiesSchema = z
  .union([
    z.strictObject({
      file: text().describe('A module whose default export has a function for each policy'),
      timeout: duration({ least: '10ms', most: '30s' }).default(1_000),
    }),
    z.strictObject({
      url: z.url({ protocol: /^https?$/ }).describe('A service that is called once per request'),
      timeout: duration({ least: '10ms', most: '30s' }).default(1_000),
    }),
  ])
  .describe('What decides about @policy; a time-out or an error counts as a denial')

const stepUpSchema = z
  .record(
    text(),
    z
      .strictObject({
        acr_values: texts()
          .optional()
          .describe('Accepted values of the acr claim, the preferred one first'),
        max_age: duration({ least: '1s', most: '365d' })
          .optional()
          .describe('The longest time since the login (auth_time)'),
      })
      .check(
        together<{ acr_values?: unknown; max_age?: unknown }>((login, problem) => {
          if (login.acr_values !== undefined || login.max_age !== undefined) return
          problem([], 'needs acr_values, max_age, or both')
        }),
      )
      .transform(({ acr_values = [], max_age }) => ({
        acrValues: acr_values,
        maxAge: max_age === undefined ? undefined : Math.floor(max_age / 1_000),
      })),
  )
  .default({})
  .describe('Policies that a stronger or more recent login satisfies (RFC 9470)')

/** `authorization:` of gateway.yaml: how guards are enforced. */
export const authorizationSchema = section({
  default: z
    .enum(['allow', 'deny'])
    .default('allow')
    .describe('deny: every field that is not marked @public needs a token'),
  mode: z
    .enum(['filter', 'reject', 'dry_run'])
    .default('filter')
    .describe(
      'filter: leave denied fields out; reject: refuse the operation; dry_run: report denials only',
    ),
  mutations: z
    .enum(['all_or_nothing', 'filter'])
    .default('all_or_nothing')
    .describe('all_or_nothing: if one root field is denied, no root field is executed'),
  errors: z
    .enum(['errors', 'extensions', 'log'])
    .default('errors')
    .describe(
      'Where denials are reported: errors, extensions.authorizationErrors, or only the log',
    ),
  show_requirements: flag()
    .default(true)
    .describe('true: the error says which scopes or policies were required'),
  policies: policiesSchema.optional(),
  step_up: stepUpSchema,
  introspection: z
    .enum(['allow', 'authenticated', 'filtered', 'refuse'])
    .default('allow')
    .describe('Who may read the schema; filtered: each caller sees the part that it may use'),
  explain_scope: text()
    .optional()
    .describe(
      'A caller with this scope may request extensions.authorization; left out: no caller may',
    ),
  combinations: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe(
      'How many combinations of satisfied and failed guards are cached per operation; a large operation caches fewer',
    ),
})
