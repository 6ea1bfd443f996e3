// Components without Nuxt UI, rendered to text by the sources themselves.
import vue from '@vitejs/plugin-vue'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSSRApp } from 'vue'
import { renderToString } from 'vue/server-renderer'

let server: ViteDevServer
beforeAll(async () => {
  server = await createServer({
    configFile: false,
    plugins: [vue()],
    server: { middlewareMode: true, ws: false, watch: null },
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    logLevel: 'silent',
  })
})
afterAll(() => server.close())

it('says every interval in words, for screen readers', async () => {
  const { default: SubjectBars } = await server.ssrLoadModule('/src/renderer/components/SubjectBars.vue')
  const interval = { value: 0.713, low: 0.641, high: 0.784 }
  const bars = [{ subject: 'tuned', label: 'Trained', note: 'after training', interval }]
  const html = await renderToString(createSSRApp(SubjectBars, { metric: 'accuracy', bars }))
  expect(html).toContain('95 % interval from 64 % to 78 %')
  expect(html).toMatch(/aria-hidden="true">64 % – 78 %/)
  expect(html).toContain('>71 %<')
})
