/** One of several processes that start together: `migrate-process.ts URL MOMENT`. */
import { migrateRacing } from './migrate-racing.ts'

const [url = '', startAt = '0'] = process.argv.slice(2)
await new Promise((resolve) => setTimeout(resolve, Number(startAt) - Date.now()))
await migrateRacing(url)
