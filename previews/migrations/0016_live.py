from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('previews', '0015_predictions'),
    ]

    operations = [
        migrations.AddField(
            model_name='cell',
            name='turn',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='renderbatch',
            name='cells',
            field=models.JSONField(default=list),
        ),
        migrations.AddIndex(
            model_name='cell',
            index=models.Index(fields=['preview', 'turn'], name='cells_in_turn'),
        ),
    ]
