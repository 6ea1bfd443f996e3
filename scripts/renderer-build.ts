// What turns the renderer's sources into a page: Vue, Nuxt UI with our theme, and the subset of icons it shows.
// `node scripts/renderer-build.ts` writes the theme's types, which the checker needs on a fresh clone, and builds nothing.
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import nuxtUi from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { componentTheme } from '#renderer/component-theme.ts'
import { iconNames } from '#renderer/icons.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Empty in the sources; the build fills it. */
const iconFile = join(root, 'src', 'renderer', 'icon-set.ts')

interface IconSet {
  readonly icons: Readonly<Record<string, { readonly body: string }>>
}

/** The icons of the list as an iconify collection; throws for a name that Lucide lacks or that a file uses unlisted. */
function iconSubset(): { prefix: string; width: number; height: number; icons: IconSet['icons'] } {
  const file = createRequire(import.meta.url).resolve('@iconify-json/lucide/icons.json')
  const all = JSON.parse(readFileSync(file, 'utf8')) as IconSet
  const icons: Record<string, { body: string }> = {}
  for (const name of iconNames) {
    const icon = all.icons[name]
    if (!icon) throw new Error(`src/renderer/icons.ts: Lucide has no icon "${name}".`)
    icons[name] = { body: icon.body }
  }
  for (const path of globSync('src/renderer/**/*.{vue,ts}', { cwd: root }))
    for (const [, name = ''] of readFileSync(join(root, path), 'utf8').matchAll(/\bi-lucide-([a-z0-9-]+)/g))
      if (!icons[name]) throw new Error(`${path}: add the icon "${name}" to src/renderer/icons.ts.`)
  return { prefix: 'lucide', width: 24, height: 24, icons }
}

const iconsPlugin = (): Plugin => ({
  name: 'icon-subset',
  enforce: 'pre',
  load: (id) =>
    id.replaceAll('\\', '/') === iconFile.replaceAll('\\', '/')
      ? `export const iconSet = ${JSON.stringify(iconSubset())}`
      : null,
})

const uiPlugins = () =>
  nuxtUi({
    root,
    ui: componentTheme,
    colorMode: false,
    components: false,
    autoImport: false,
    dts: false,
    icon: { clientBundle: false },
    experimental: { componentDetection: true },
  })

export const rendererPlugins = () => [vue(), uiPlugins(), iconsPlugin()]

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const plugin of [uiPlugins()].flat())
    if (plugin.name === 'nuxt:ui:templates' && typeof plugin.config === 'function')
      await Reflect.apply(plugin.config, {}, [{ root }])
