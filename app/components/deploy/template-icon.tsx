import {
	Archive,
	Box,
	Container,
	Database,
	Globe,
	Leaf,
	type LucideIcon,
	MessageSquare,
	Search,
	Zap,
} from 'lucide-react'

/** Icons that templates may name. By name from here and not from the whole set: that alone would outweigh the page. */
const ICONS: Record<string, LucideIcon> = {
	archive: Archive,
	container: Container,
	database: Database,
	globe: Globe,
	leaf: Leaf,
	'message-square': MessageSquare,
	search: Search,
	zap: Zap,
}

export function TemplateIcon({ name, size = 20 }: { name: string; size?: number }) {
	const Icon = ICONS[name] ?? Box
	return <Icon size={size} aria-hidden strokeWidth={1.5} className="shrink-0" />
}
