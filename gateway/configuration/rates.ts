import { z } from 'zod'
import { camelCased, duration, flag, size, texts, wholeNumber } from './values.ts'

/** How many points a rate may have. */
const points = { least: 1, most: 100_000_000 }

/** The time of a limit. */
function period() {
  return duration({ least: '1s', most: '1d' })
}

const coordinates = z
  .array(
    z
      .string()
      .regex(
        /^(Query|Mutation|Subscription)\.\w+$/,
        'expected a root field such as Mutation.login',
      ),
  )
  .min(1, 'expected at least one entry')

const ruleSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'expected up to 64 of a-z, 0-9, _ and -, a letter first')
      .optional()
      .describe('Names the rate in metrics and headers; left out: by'),
    by: z
      .enum(['subject', 'client', 'address', 'operation'])
      .describe(
        'Whose requests are counted together: those of a subject, a client, an address, or each root field for all callers',
      ),
    limit: wholeNumber(points).describe('How many requests, or how much cost'),
    per: period().describe('In which time'),
    burst: wholeNumber(points)
      .optional()
      .describe('How many of them at once, after a rest; left out: limit'),
    count: z
      .enum(['requests', 'cost'])
      .default('requests')
      .describe('What is counted: requests, or their estimated cost, which needs limits.cost'),
    when: z
      .strictObject({
        operations: coordinates
          .optional()
          .describe('Requests with these root fields; each selection of one counts, aliases too'),
        scopes: texts().optional().describe('Requests of callers with one of these scopes'),
      })
      .optional(),
    unless: z
      .strictObject({
        scopes: texts().optional().describe('Not requests of callers with one of these scopes'),
      })
      .optional(),
  })
  .transform(({ name, burst, ...rule }) => ({
    ...rule,
    name: name ?? rule.by,
    burst: burst ?? rule.limit,
  }))

const rulesSchema = z
  .array(ruleSchema)
  .max(20, 'expected at most 20 rates')
  .superRefine((rules, context) => {
    rules.forEach(({ by, count }, index) => {
      if (by !== 'operation' || count !== 'cost') return
      const message = 'by: operation counts root fields: count cost by subject, client or address'
      context.addIssue({ code: 'custom', path: [index, 'count'], message })
    })
    rules.forEach(({ name }, index) => {
      if (rules.findIndex((other) => other.name === name) === index) return
      const message = `there is another rate ${name}: give one of them another name`
      context.addIssue({ code: 'custom', path: [index, 'name'], message })
    })
  })
  .default([])

/** Where several machines count together. */
const storeSchema = z
  .union(
    [
      z.literal('memory'),
      z.strictObject({
        redis: z
          .string()
          .refine((url) => URL.canParse(url) && /^rediss?:\/\/./.test(url), {
            message: 'expected a URL such as redis://127.0.0.1:6379 or rediss://…',
          })
          .describe('The URL of a Redis or Valkey, with credentials'),
        timeout: duration({ least: '5ms', most: '10s' })
          .default(100)
          .describe('After which time without a response this process counts by itself'),
      }),
    ],
    'expected memory, or redis with a URL',
  )
  .default('memory')
  .describe('Where points are counted: memory, of one machine; redis: for several machines')

/** `rates:` of gateway.yaml: how many requests of whom are served in which time. */
export const ratesSchema = z
  .strictObject({
    rules: rulesSchema,
    failed_authentications: z
      .strictObject({
        limit: wholeNumber(points).describe(
          'How many credentials from one network (/24, IPv6: /56) may be refused',
        ),
        per: period().describe('In which time'),
      })
      .optional()
      .describe('Left out: any number'),
    headers: flag()
      .default(false)
      .describe('true: responses have RateLimit-Policy and RateLimit, which say what is left'),
    store: storeSchema,
    memory: size({ least: '1MB', most: '4000MB' })
      .default(32 * 1024 * 1024)
      .describe('The most memory of each process for what all rates have counted'),
  })
  .prefault({})
  .transform(camelCased)
