import { z } from 'zod'
import { text, wholeNumber } from './values.ts'

/** `metrics:` of gateway.yaml: a port for Prometheus that clients cannot reach. */
export const metricsSchema = z
  .strictObject({
    host: text().default('127.0.0.1').describe('The address to listen on'),
    port: wholeNumber({ least: 0, most: 65_535 }).describe('The port to listen on'),
  })
  .optional()
  .describe('Serves /metrics in the Prometheus text format, and /usage; left out: there are none')
