import { z } from 'zod'
import { duration } from './values.ts'

/** `warm_up:` of gateway.yaml: what a process does before it is ready, so that its first requests are fast. */
export const warmUpSchema = z
  .strictObject({
    time: duration({ least: '0s', most: '1m' })
      .optional()
      .describe(
        'How long a new process runs made-up requests before it is ready, at most; 0s: it runs none; 2s in production (NODE_ENV), otherwise 0s',
      ),
  })
  .prefault({})
