/** What the kit needs of a logger such as pino: it gets fields and a message. */
export interface SubgraphLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
