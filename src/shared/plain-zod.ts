// zod compiles its checks with `new Function` where it may. A page forbids that, and the mere try is reported as a breach
// of its policy; so a page calls this before its first check.
import { z } from 'zod'

export const checkWithoutGeneratedCode = (): void => {
  z.config({ jitless: true })
}
