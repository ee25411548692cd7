import { type ReactNode, useId } from 'react'

/** A radio group with one panel each (see app.css, .tabs): arrow keys and scripts-off come with it. Six at most. */
export function Tabs({ label, tabs }: { label: string; tabs: { title: string; panel: ReactNode }[] }) {
	const name = useId()
	return (
		<div className="tabs">
			<fieldset className="flex flex-wrap gap-x-4 border-b border-line">
				<legend className="sr-only">{label}</legend>
				{tabs.map(({ title }, index) => (
					<label
						key={title}
						className="-mb-px inline-flex min-h-9 cursor-pointer items-center border-b-2 border-transparent text-muted hover:text-text has-checked:border-text has-checked:font-medium has-checked:text-text has-focus-visible:outline-2 max-md:min-h-11"
					>
						<input type="radio" name={name} data-tab={index} defaultChecked={index === 0} className="sr-only" />
						{title}
					</label>
				))}
			</fieldset>
			{tabs.map(({ title, panel }, index) => (
				<div key={title} data-panel={index} className="pt-3">
					{panel}
				</div>
			))}
		</div>
	)
}
