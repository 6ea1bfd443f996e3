// Starts the page: words, stores, router, icons; then shows the first screen.

import { addCollection } from '@iconify/vue'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './app.vue'
import { followAppearance } from './frame/appearance.ts'
import { noteMove } from './frame/focus.ts'
import { iconSet } from './icon-set.ts'
import { router } from './router.ts'
import { useActivity } from './stores/activity.ts'
import { useNetwork } from './stores/network.ts'
import { useSettings } from './stores/settings.ts'
import { i18n } from './words/index.ts'
import './theme.css'

addCollection(iconSet)
const app = createApp(App).use(createPinia()).use(i18n)

followAppearance()
// The first screen depends on the settings; the rest of the frame fills in as answers come.
await useSettings().load()
void useNetwork().load()
void useActivity().load()
app.use(router)
router.afterEach((_to, from) => {
  if (from.matched.length > 0) noteMove()
})
app.mount('#app')
